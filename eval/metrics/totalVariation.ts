import { meanOverCells } from "./cells.ts";
import { variation } from "../../src/core/stats/index.ts";
import type { Metric } from "./metric.ts";

/**
 * Mean over (question, group) of half the sum of |p - q| between the group's true and its predicted distribution.
 *
 * 0: every group is matched; 1: no option that is answered is ever predicted; never negative; NaN: no row has both a
 * known truth and a group.
 */
export const totalVariation: Metric = {
  title: "total variation within each question and group",
  higherIsBetter: false,
  range: [0, 1],
  prepare: (input) => meanOverCells(input, (p, q, options, _, from) => variation(p, q, options, from)),
};
