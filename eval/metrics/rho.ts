import { alignment, ofDispersion } from "./dispersion.ts";
import type { Metric } from "./metric.ts";

/**
 * Alignment of group differences: <dF_pred, dF_true> / (|dF_pred| |dF_true|), products summed over questions (see
 * `ofDispersion`).
 *
 * 1: groups differ exactly as the true ones do, up to size (an estimate can be a little more, as noise is subtracted
 * below the line); 0: the differences have nothing to do with the true ones; negative: they point the wrong way; NaN: predicted
 * groups do not differ, or the true ones not beyond sampling noise.
 */
export const rho: Metric = {
  title: "alignment of group differences",
  higherIsBetter: true,
  range: [-Infinity, Infinity],
  prepare: (input) => ofDispersion(input, alignment),
};
