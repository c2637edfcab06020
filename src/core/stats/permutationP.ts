/** Statistics that differ by less are equal but for rounding. */
export const ROUNDING = 1e-12;

/**
 * One-sided p-value of a permutation test: (1 + the number of draws that reach the observed value) / (1 + N). In (0, 1];
 * small where relabelling seldom reaches as much; 1 / (1 + N) is the least there is; NaN where the statistic is NaN.
 * @param draw The statistic after another random relabelling.
 */
export function permutationP(observed: number, permutations: number, draw: () => number): number {
  if (Number.isNaN(observed)) return NaN;
  let reached = 0;
  for (let i = 0; i < permutations; i++) if (draw() >= observed - ROUNDING) reached++;
  return (1 + reached) / (1 + permutations);
}
