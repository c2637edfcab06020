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

/** KL(p || q) = sum p log(p / q), in nats; infinite where q is 0 and p is not. */
export function kl(p: ArrayLike<number>, q: ArrayLike<number>, length = p.length, from = 0): number {
  let sum = 0;
  for (let k = from; k < from + length; k++) if (p[k]! > 0) sum += p[k]! * Math.log(p[k]! / q[k]!);
  return Math.max(0, sum);
}

/** Total variation: half the sum of |p - q|; in [0, 1]. */
export function variation(p: ArrayLike<number>, q: ArrayLike<number>, length = p.length, from = 0): number {
  let sum = 0;
  for (let k = from; k < from + length; k++) sum += Math.abs(p[k]! - q[k]!);
  return sum / 2;
}

/**
 * Wasserstein-1 between two distributions over K levels spaced evenly on [0, 1]: the mean of |F_p - F_q| over the
 * K - 1 steps; in [0, 1]. Options that are no scale have no distances but equal ones: then it is the total variation.
 */
export function emd(p: ArrayLike<number>, q: ArrayLike<number>, length = p.length, ordered = true, from = 0): number {
  if (!ordered) return variation(p, q, length, from);
  let difference = 0;
  let sum = 0;
  for (let k = from; k < from + length - 1; k++) {
    difference += p[k]! - q[k]!;
    sum += Math.abs(difference);
  }
  return sum / (length - 1);
}

/**
 * Wasserstein-1 between two weighted samples on the line, the integral of |F_a - F_b|; as scipy's
 * `wasserstein_distance`. Weights need not sum to 1. NaN where a sample is empty or weighs nothing.
 */
export function wasserstein1(
  valuesA: readonly number[],
  weightsA: readonly number[],
  valuesB: readonly number[],
  weightsB: readonly number[],
): number {
  const totalA = weightsA.reduce((sum, w) => sum + w, 0);
  const totalB = weightsB.reduce((sum, w) => sum + w, 0);
  if (!(totalA > 0 && totalB > 0)) return NaN;
  const steps = [
    ...valuesA.map((at, i) => ({ at, step: weightsA[i]! / totalA })),
    ...valuesB.map((at, i) => ({ at, step: -weightsB[i]! / totalB })),
  ].sort((a, b) => a.at - b.at);
  let difference = 0;
  let distance = 0;
  for (const [i, { at, step }] of steps.entries()) {
    difference += step;
    const next = steps[i + 1];
    if (next) distance += Math.abs(difference) * (next.at - at);
  }
  return distance;
}
