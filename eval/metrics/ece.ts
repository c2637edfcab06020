import { answered, argmax, type Metric } from "./metric.ts";

const BINS = 15;

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
  prepare(input) {
    const { table } = input;
    const confidence = (row: number): number => table.probabilities[table.offsets[row]! + argmax(table, row)]!;
    const sorted = Float64Array.from({ length: table.rows }, (_, row) =>
      table.answer[row]! < 0 ? NaN : confidence(row),
    )
      .filter((value) => !Number.isNaN(value))
      .sort();
    const edges = Array.from({ length: BINS - 1 }, (_, i) => sorted[Math.ceil(((i + 1) * sorted.length) / BINS) - 1]!);
    const { statistics, n, excluded } = answered(input, 3 * BINS, (row, add) => {
      const p = confidence(row);
      const weight = table.weight[row]!;
      let bin = 0;
      while (bin < BINS - 1 && p > edges[bin]!) bin++;
      add(3 * bin, weight);
      add(3 * bin + 1, weight * p);
      if (argmax(table, row) === table.answer[row]) add(3 * bin + 2, weight);
    });
    const compute = (sums: Float64Array): number => {
      let weight = 0;
      let error = 0;
      for (let bin = 0; bin < BINS; bin++) {
        weight += sums[3 * bin]!;
        error += Math.abs(sums[3 * bin + 1]! - sums[3 * bin + 2]!);
      }
      return weight > 0 ? error / weight : NaN;
    };
    return { statistics, n, excluded, compute };
  },
};
