import { meanOverCells } from "./cells.ts";
import { jsd } from "../../src/core/stats/index.ts";
import type { Metric } from "./metric.ts";

/**
 * Mean over (question, group) of 1 - the Jensen-Shannon distance (the root of the divergence, logarithms of base 2)
 * between the group's true and its predicted distribution; the similarity of GlobalOpinionQA.
 *
 * 1: every group is matched; 0: no option that is answered is ever predicted; never negative; NaN: no row has both a
 * known truth and a group.
 */
export const oneMinusJsd: Metric = {
  title: "1 - Jensen-Shannon distance (base 2) within each question and group",
  higherIsBetter: true,
  range: [0, 1],
  prepare: (input) => meanOverCells(input, (p, q, options, _, from) => 1 - jsd(p, q, options, from)),
};
