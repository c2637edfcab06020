import { clustersOf, gather } from "../../src/core/stats/index.ts";
import {
  checkedDraws,
  reasons,
  resultsOf,
  type DrawOptions,
  type MetricInfo,
  type MetricResult,
  type Prepared,
} from "../metrics/result.ts";

/** What a mean is taken over, such as a prompt, an example or a turn. */
export interface Unit {
  /** Units of one cluster are drawn together. */
  readonly cluster: string;
  /** How many rows it is made of. */
  readonly rows: number;
}

/** A metric that is the mean over units of a number that each has. */
export interface UnitMetric<U> extends MetricInfo {
  /** NaN where the unit has no part in the mean. */
  readonly of: (unit: U) => number;
  /** What a unit without a number is, such as "examples with two ties". */
  readonly without?: string;
  /** An interval in place of the bootstrap's. @param n Rows that the value is computed from. */
  readonly interval?: (value: number, n: number, level: number) => { readonly low: number; readonly high: number };
}

/**
 * Every metric over units, with the interval of the cluster bootstrap. Equal seeds give equal numbers, and every metric
 * sees the same draws. NaN where no unit has a number.
 * @param excluded What makes no unit, by reason.
 * @throws CumaError for impossible options.
 */
export function overUnits<Name extends string, U extends Unit>(
  metrics: Readonly<Record<Name, UnitMetric<U>>>,
  units: readonly U[],
  excluded: Readonly<Record<string, number>>,
  options: DrawOptions,
): Record<Name, MetricResult> {
  const draws = checkedDraws(options);
  const names = Object.keys(metrics) as Name[];
  const results = resultsOf(
    metrics,
    names,
    prepareUnits(
      names.map((name) => metrics[name]),
      units,
      excluded,
    ),
    draws,
  );
  for (const name of names) {
    const { value, n } = results[name];
    results[name] = { ...results[name], ...metrics[name].interval?.(value, n, draws.level) };
  }
  return results;
}

function prepareUnits<U extends Unit>(
  metrics: readonly UnitMetric<U>[],
  units: readonly U[],
  excluded: Readonly<Record<string, number>>,
): Prepared[] {
  const values = metrics.map(({ of }) => units.map(of));
  const codeOf = new Map<string, number>();
  const clusterOfUnit = Int32Array.from(units, ({ cluster }) => {
    let code = codeOf.get(cluster);
    if (code === undefined) codeOf.set(cluster, (code = codeOf.size));
    return code;
  });
  // Metric m has the sum of its numbers in cell 2m and how many there are in cell 2m + 1.
  const statistics = gather(clustersOf(clusterOfUnit, codeOf.size), 2 * metrics.length, (unit, add) => {
    for (const [m, ofUnits] of values.entries()) {
      const value = ofUnits[unit]!;
      if (Number.isNaN(value)) continue;
      add(2 * m, value);
      add(2 * m + 1, 1);
    }
  });
  return metrics.map(({ without }, m): Prepared => {
    const has = values[m]!.map((value) => !Number.isNaN(value));
    const lacking = has.filter((known) => !known).length;
    return {
      statistics,
      compute: (sums) => (sums[2 * m + 1]! > 0 ? sums[2 * m]! / sums[2 * m + 1]! : NaN),
      n: units.reduce((rows, unit, u) => rows + (has[u] ? unit.rows : 0), 0),
      excluded: reasons({ ...excluded, ...(without !== undefined && { [without]: lacking }) }),
    };
  });
}
