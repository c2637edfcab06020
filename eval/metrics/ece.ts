import { totals, type Statistics } from "../../src/core/stats/index.ts";
import type { Metric } from "./metric.ts";
import { answered, argmax, type ClusteredRows } from "./rows.ts";

const BINS = 15;

/** Answered rows of similar probability of their most probable option. */
export interface ReliabilityBin {
  /** Sum of the rows' weights, above 0. */
  readonly weight: number;
  /** Mean probability of the most probable option. */
  readonly confidence: number;
  /** Share of the rows in which it is the person's answer. */
  readonly accuracy: number;
}

type Rows = Pick<ClusteredRows, "table" | "clusters">;

/**
 * Expected calibration error: answered rows are put by the probability of their most probable option into 15 bins of
 * equal numbers of rows (equal probabilities stay together), fixed before resampling; then the mean over bins, by
 * weight, of |accuracy - mean probability|.
 *
 * 0: the most probable option is right as often as its probability says; 1: always sure and always wrong; never
 * negative; NaN: no row has an answer.
 */
export const ece: Metric = {
  title: "expected calibration error (15 bins of equal mass)",
  higherIsBetter: false,
  range: [0, 1],
  prepare: (input) => ({
    ...binned(input),
    compute(sums) {
      let weight = 0;
      let error = 0;
      for (let bin = 0; bin < BINS; bin++) {
        weight += sums[3 * bin]!;
        error += Math.abs(sums[3 * bin + 1]! - sums[3 * bin + 2]!);
      }
      return weight > 0 ? error / weight : NaN;
    },
  }),
};

/** The bins of `ece` that have weight, by rising probability; none where no row has an answer. */
export function reliabilityBins(rows: Rows): ReliabilityBin[] {
  const sums = totals(binned(rows).statistics);
  const bins: ReliabilityBin[] = [];
  for (let bin = 0; bin < BINS; bin++) {
    const weight = sums[3 * bin]!;
    if (weight > 0)
      bins.push({ weight, confidence: sums[3 * bin + 1]! / weight, accuracy: sums[3 * bin + 2]! / weight });
  }
  return bins;
}

/** By bin, three sums: weight, weight x probability, and weight of the rows that are right. */
function binned(rows: Rows): { statistics: Statistics; n: number; excluded: Record<string, number> } {
  const { table } = rows;
  const confidence = (row: number): number => table.probabilities[table.offsets[row]! + argmax(table, row)]!;
  const sorted = Float64Array.from({ length: table.rows }, (_, row) => (table.answer[row]! < 0 ? NaN : confidence(row)))
    .filter((value) => !Number.isNaN(value))
    .sort();
  const edges = Array.from({ length: BINS - 1 }, (_, i) => sorted[Math.ceil(((i + 1) * sorted.length) / BINS) - 1]!);
  return answered(rows, 3 * BINS, (row, add) => {
    const p = confidence(row);
    const weight = table.weight[row]!;
    let bin = 0;
    while (bin < BINS - 1 && p > edges[bin]!) bin++;
    add(3 * bin, weight);
    add(3 * bin + 1, weight * p);
    if (argmax(table, row) === table.answer[row]) add(3 * bin + 2, weight);
  });
}
