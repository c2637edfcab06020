import { accuracy } from "./accuracy.ts";
import { beta } from "./beta.ts";
import { countryMacroAccuracy } from "./countryMacroAccuracy.ts";
import { ece } from "./ece.ts";
import { emdArgmax, emdProb } from "./emdPooled.ts";
import { entropyRatio, predictedEntropy, trueEntropy } from "./entropy.ts";
import { groupEmd } from "./groupEmd.ts";
import { klDivergence } from "./kl.ts";
import { macroF1 } from "./macroF1.ts";
import { mci } from "./mci.ts";
import { mciNominal } from "./mciNominal.ts";
import type { Metric } from "./metric.ts";
import { nll } from "./nll.ts";
import { oneMinusJsd } from "./oneMinusJsd.ts";
import { rho } from "./rho.ts";
import { sigmaInequity } from "./sigmaInequity.ts";
import { skill } from "./skill.ts";
import { totalVariation } from "./totalVariation.ts";
import { groupGap, worstGroup } from "./worstGroup.ts";

/** Every metric of a predictions table, in the order in which reports show them. */
export const metrics = {
  accuracy,
  macroF1,
  countryMacroAccuracy,
  sigmaInequity,
  worstGroup,
  groupGap,
  nll,
  ece,
  emdProb,
  emdArgmax,
  predictedEntropy,
  trueEntropy,
  entropyRatio,
  groupEmd,
  oneMinusJsd,
  totalVariation,
  skill,
  kl: klDivergence,
  mci,
  rho,
  beta,
  mciNominal,
} satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;

export { emd, kl, variation, wasserstein1 } from "../../src/core/stats/index.ts";
export type { Metric } from "./metric.ts";
export type { MetricInfo, MetricResult } from "./result.ts";
