import type { Metric } from "./metric.ts";
import { answered, argmax } from "./rows.ts";

/**
 * Weighted share of rows whose most probable option (the first of equal ones) is the person's answer.
 *
 * 1: every answer is met; 0: none; never negative; NaN: no row has an answer.
 */
export const accuracy: Metric = {
  title: "accuracy of the most probable option",
  higherIsBetter: true,
  range: [0, 1],
  prepare(input) {
    const { table } = input;
    const { statistics, n, excluded } = answered(input, 2, (row, add) => {
      add(0, table.weight[row]!);
      if (argmax(table, row) === table.answer[row]) add(1, table.weight[row]!);
    });
    return { statistics, n, excluded, compute: (sums) => (sums[0]! > 0 ? sums[1]! / sums[0]! : NaN) };
  },
};
