import { alignment, ofDispersion, spread } from "./dispersion.ts";
import type { Metric } from "./metric.ts";

/**
 * Calibration slope of group differences: rho R, R = sqrt(D(F_pred) / D(F_true)) (see `mci`, `rho`).
 *
 * 1: a true difference between groups shows in full; 0: it does not show, or every group gets the same prediction;
 * above 1: it is exaggerated; negative: it is turned round; NaN: the true groups do not differ beyond sampling noise.
 */
export const beta: Metric = {
  title: "calibration slope of group differences",
  higherIsBetter: null,
  ideal: 1,
  range: [-Infinity, Infinity],
  prepare: (input) =>
    ofDispersion(input, (dispersion) => {
      const ratio = spread(dispersion);
      return ratio === 0 ? 0 : alignment(dispersion) * ratio;
    }),
};
