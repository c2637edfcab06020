import type { Metric } from "../../eval/index.ts";
import { answered } from "../../eval/metrics/rows.ts";

/**
 * A metric of predictions that is in no table, in one file.
 *
 * Brier score (Brier 1950, of several options): weighted mean over rows of sum_k (p_k - [k is the answer])^2.
 *
 * 0: every answer was certain; 2: another option always was; never negative; NaN: no row has an answer.
 */
export const brier: Metric = {
  title: "Brier score of the answer",
  higherIsBetter: false,
  range: [0, 2],
  prepare(input) {
    const { table } = input;
    const { statistics, n, excluded } = answered(input, 2, (row, add) => {
      const probabilities = table.probabilities.subarray(table.offsets[row], table.offsets[row + 1]);
      const score = probabilities.reduce((sum, p, k) => sum + (p - (k === table.answer[row] ? 1 : 0)) ** 2, 0);
      add(0, table.weight[row]!);
      add(1, table.weight[row]! * score);
    });
    return { statistics, n, excluded, compute: (sums) => (sums[0]! > 0 ? sums[1]! / sums[0]! : NaN) };
  },
};
