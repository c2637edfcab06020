import type { OfCells } from "./cells.ts";
import type { PreparedDispersion } from "./dispersion.ts";
import type { MetricInfo, Prepared } from "./result.ts";
import type { ClusteredRows, Groups } from "./rows.ts";

/** What a metric of predictions is computed from. */
export interface MetricInput extends ClusteredRows, OfCells {
  /** One grouping for each attribute of profiles. */
  readonly attributes: readonly Groups[];
  /** Dispersion between groups; made once for all metrics that need it. */
  dispersion(): PreparedDispersion;
}

/** A metric of predictions. */
export interface Metric extends MetricInfo {
  prepare(input: MetricInput): Prepared;
}
