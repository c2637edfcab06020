import type { MetricInput } from "./metric.ts";
import { mean, type Prepared } from "./result.ts";
import { answered, argmax, type Groups } from "./rows.ts";

/**
 * A metric of the accuracies of groups. The groups that have `least` answered rows or more are chosen once; a resample
 * in which one of them has no row leaves it out.
 */
export function overGroups(
  input: MetricInput,
  groups: Groups,
  least: number,
  summary: (accuracies: readonly number[]) => number,
): Prepared {
  const { table } = input;
  const counts = new Float64Array(groups.names.length);
  const prepared = answered(
    input,
    2 * groups.names.length,
    (row, add) => {
      const group = groups.codes[row]!;
      counts[group]! += 1;
      add(2 * group, table.weight[row]!);
      if (argmax(table, row) === table.answer[row]) add(2 * group + 1, table.weight[row]!);
    },
    groups,
  );
  const chosen = [...counts.keys()].filter((group) => counts[group]! >= least);
  const small = counts.reduce((rows, count) => rows + (count < least ? count : 0), 0);
  const compute = (sums: Float64Array): number =>
    summary(chosen.map((group) => sums[2 * group + 1]! / sums[2 * group]!).filter((value) => !Number.isNaN(value)));
  return {
    statistics: prepared.statistics,
    compute,
    n: prepared.n - small,
    excluded: small > 0 ? { ...prepared.excluded, [`group of fewer than ${least} rows`]: small } : prepared.excluded,
  };
}

/** Population standard deviation; NaN for no numbers. */
export function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}
