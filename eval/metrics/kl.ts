import { meanOverCells } from "./cells.ts";
import type { Metric } from "./metric.ts";

/** Share of the uniform distribution that predictions are mixed with, so that the divergence stays finite. */
export const EPSILON = 1e-6;

/**
 * Mean over (question, group) of KL(p || (1 - e) q + e / K) in nats, e = 1e-6, between the group's true distribution p
 * and its predicted distribution q over K options.
 *
 * 0: every group is matched; 1: a nat is lost per answer; never negative; NaN: no row has both a known truth and a group.
 */
export const klDivergence: Metric = {
  title: "KL(true || predicted) within each question and group (nats)",
  unit: "nats",
  higherIsBetter: false,
  range: [0, Infinity],
  prepare: (input) =>
    meanOverCells(input, (p, q, options, _, from) => {
      const least = EPSILON / options;
      let sum = 0;
      for (let k = from; k < from + options; k++) {
        if (p[k]! > 0) sum += p[k]! * Math.log(p[k]! / ((1 - EPSILON) * q[k]! + least));
      }
      return Math.max(0, sum);
    }),
};
