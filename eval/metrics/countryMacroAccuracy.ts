import { overGroups } from "./groupAccuracy.ts";
import type { Metric } from "./metric.ts";
import { mean } from "./result.ts";

/**
 * Mean over groups (countries, unless others are asked for) of the accuracy within the group, each group counting the
 * same. Rows without the attribute are excluded.
 *
 * 1: every answer is met; 0: none; never negative; NaN: no row has both an answer and a group.
 */
export const countryMacroAccuracy: Metric = {
  title: "mean over groups of accuracy",
  higherIsBetter: true,
  range: [0, 1],
  prepare: (input) => overGroups(input, input.groups, 1, mean),
};
