import { largest, smallest } from "../../src/core/util/index.ts";
import { overGroups } from "./groupAccuracy.ts";
import type { Metric } from "./metric.ts";

const LEAST_ROWS = 30;

/**
 * Accuracy of the group that is met worst, among groups of 30 answered rows or more.
 *
 * 1: every answer of every group is met; 0: some group is never met; never negative; NaN: no group is large enough.
 */
export const worstGroup: Metric = {
  title: "accuracy of the worst group",
  higherIsBetter: true,
  range: [0, 1],
  prepare: (input) =>
    overGroups(input, input.groups, LEAST_ROWS, (values) => (values.length > 0 ? smallest(values) : NaN)),
};

/**
 * Accuracy of the group that is met best less that of the worst, among groups of 30 answered rows or more.
 *
 * 0: all are met equally well; 1: one always and one never; never negative; NaN: no group is large enough.
 */
export const groupGap: Metric = {
  title: "accuracy of the best group less that of the worst",
  higherIsBetter: false,
  range: [0, 1],
  prepare: (input) =>
    overGroups(input, input.groups, LEAST_ROWS, (values) =>
      values.length > 0 ? largest(values) - smallest(values) : NaN,
    ),
};
