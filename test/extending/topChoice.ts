import type { Turn } from "../../eval/units/kendallTau.ts";
import type { UnitMetric } from "../../eval/units/unitMetric.ts";

/**
 * A metric of units that is in no table, in one file: the share of turns whose highest reward (the first of equal ones) is of
 * an answer that the person scored highest.
 *
 * 1: of every turn; 0: of none; never negative; NaN: no turn.
 */
export const topChoice: UnitMetric<Turn> = {
  title: "turns whose highest reward is of the best answer",
  higherIsBetter: true,
  range: [0, 1],
  of: ({ rewards, scores }) => (scores[rewards.indexOf(Math.max(...rewards))] === Math.max(...scores) ? 1 : 0),
};
