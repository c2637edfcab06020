import { meanOverCells } from "./cells.ts";
import { variation } from "../../src/core/stats/index.ts";
import type { Metric } from "./metric.ts";

/** Truths that are nearer than this to uniform have no skill: it would divide by rounding. */
const LEAST_VARIATION = 1e-9;

/**
 * SimBench's skill: mean over (question, group) of 100 (1 - TV(p, q) / TV(p, uniform)), TV the total variation between
 * the group's true distribution p and its predicted distribution q, or the uniform one. Cells whose truth is uniform
 * have none and are left out; cells near that weigh heavily in the mean.
 *
 * 100: every group is matched; 0: as far off as the uniform distribution; negative: farther; NaN: no row has both a
 * known truth and a group, or every such truth is uniform.
 */
export const skill: Metric = {
  title: "skill over the uniform distribution (100 is best)",
  unit: "%",
  higherIsBetter: true,
  range: [-Infinity, 100],
  prepare: (input) =>
    meanOverCells(
      input,
      (p, q, options, _, from) => {
        let sum = 0;
        for (let k = from; k < from + options; k++) sum += Math.abs(p[k]! - 1 / options);
        const guess = sum / 2;
        return guess < LEAST_VARIATION ? NaN : 100 * (1 - variation(p, q, options, from) / guess);
      },
      "cells whose truth is uniform",
    ),
};
