import type { Metric } from "./metric.ts";
import { answered } from "./rows.ts";

/** Least probability that an answer is taken to have, so that one impossible answer does not make the mean infinite. */
const LEAST_PROBABILITY = 1e-12;

/**
 * Negative log-likelihood: weighted mean of -log(max(p(answer), 1e-12)), in nats.
 *
 * 0: every answer was certain; 1: a probability of 1/e in the (geometric) mean; never negative; NaN: no row has an
 * answer.
 */
export const nll: Metric = {
  title: "negative log-likelihood of the answer (nats)",
  unit: "nats",
  higherIsBetter: false,
  range: [0, -Math.log(LEAST_PROBABILITY)],
  prepare(input) {
    const { table } = input;
    const { statistics, n, excluded } = answered(input, 2, (row, add) => {
      const p = table.probabilities[table.offsets[row]! + table.answer[row]!]!;
      add(0, table.weight[row]!);
      add(1, -table.weight[row]! * Math.log(Math.min(1, Math.max(p, LEAST_PROBABILITY))));
    });
    return { statistics, n, excluded, compute: (sums) => (sums[0]! > 0 ? sums[1]! / sums[0]! : NaN) };
  },
};
