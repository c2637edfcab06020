/**
 * Functions of distributions over K options: of `length` entries from `from` on, so that many distributions can lie in one
 * array; 0 log 0 = 0.
 */

/** H(p) = -sum p log p, in nats; 0 for one sure option, log K for uniform. */
export function entropy(p: ArrayLike<number>, length = p.length, from = 0): number {
  let sum = 0;
  for (let k = from; k < from + length; k++) if (p[k]! > 0) sum -= p[k]! * Math.log(p[k]!);
  return sum;
}

/** Jensen-Shannon distance with base 2: sqrt((KL2(p || m) + KL2(q || m)) / 2), m = (p + q) / 2; in [0, 1]. */
export function jsd(p: ArrayLike<number>, q: ArrayLike<number>, length = p.length, from = 0): number {
  let sum = 0;
  for (let k = from; k < from + length; k++) {
    const m = (p[k]! + q[k]!) / 2;
    if (p[k]! > 0) sum += p[k]! * Math.log2(p[k]! / m);
    if (q[k]! > 0) sum += q[k]! * Math.log2(q[k]! / m);
  }
  return Math.sqrt(Math.min(1, Math.max(0, sum / 2)));
}

/** Weights [K] over their sum. */
export function normalised(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
