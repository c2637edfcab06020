import { meanOverCells } from "./cells.ts";
import { emd } from "../../src/core/stats/index.ts";
import type { Metric } from "./metric.ts";

/**
 * Mean over (question, group) of the Wasserstein-1 distance between the group's true and its predicted distribution,
 * levels rescaled to [0, 1]; for options that are no scale, the total variation. Small groups add sampling noise to it.
 *
 * 0: every group is matched; 1: every group answers at one end and is predicted at the other; never negative; NaN: no
 * row has both a known truth and a group.
 */
export const groupEmd: Metric = {
  title: "EMD within each question and group",
  higherIsBetter: false,
  range: [0, 1],
  prepare: (input) => meanOverCells(input, emd),
};
