import { ofDispersion, spread } from "./dispersion.ts";
import type { Metric } from "./metric.ts";

/**
 * Mean-collapse index: 1 - R, R = sqrt(D(F_pred) / D(F_true)), both dispersions summed over questions (see
 * `ofDispersion`). It says how far predicted groups lie apart and nothing of where they lie: read it with `rho` and
 * `beta`.
 *
 * 1: every group gets the same prediction; 0: groups are as spread as the true ones; negative: differences are
 * exaggerated (stereotyping); NaN: the true groups do not differ beyond sampling noise, by less than two standard errors (see `isBeyondNoise`).
 */
export const mci: Metric = {
  title: "mean-collapse index",
  higherIsBetter: null,
  ideal: 0,
  range: [-Infinity, 1],
  prepare: (input) => ofDispersion(input, (dispersion) => 1 - spread(dispersion)),
};
