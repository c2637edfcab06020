/** The distribution over continuations that their log-likelihoods give, on the same prompt. */
export function normaliseLogLikelihoods(values: readonly number[]): number[] {
  const max = Math.max(...values);
  const weights = values.map((value) => Math.exp(value - max));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}
