import type { Unit, UnitMetric } from "./unitMetric.ts";

/** The answers among which one person compared. */
export interface Turn extends Unit {
  readonly rewards: readonly number[];
  readonly scores: readonly number[];
}

/** `kendallTau` of a turn. */
export const kendallTauMetric: UnitMetric<Turn> = {
  title: "Kendall's tau-b of reward and score within turns",
  higherIsBetter: true,
  range: [-1, 1],
  of: ({ rewards, scores }) => kendallTau(rewards, scores),
};

/**
 * Kendall's tau-b of two lists of one length: (C - D) / sqrt((C + D + X) (C + D + Y)) over pairs, C of which both lists
 * order the same way, D opposite ways, X that are tied in `y` only and Y in `x` only.
 *
 * 1: the same order; 0: no relation; negative: opposite orders; NaN: fewer than 2 values, or all of a list are equal.
 */
export function kendallTau(x: readonly number[], y: readonly number[]): number {
  let score = 0;
  let untiedX = 0;
  let untiedY = 0;
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < i; j++) {
      const dx = Math.sign(x[i]! - x[j]!);
      const dy = Math.sign(y[i]! - y[j]!);
      score += dx * dy;
      untiedX += dx ** 2;
      untiedY += dy ** 2;
    }
  }
  return score / Math.sqrt(untiedX * untiedY);
}
