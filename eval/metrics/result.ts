/** What every metric shares, of predictions and of units: a value with its bootstrap interval, from sums by cluster. */
import { centredInterval, ONCE, resample, totals, type Statistics } from "../../src/core/stats/index.ts";
import { CumaError, Rng } from "../../src/core/util/index.ts";

/** A metric's value with its bootstrap interval (see `centredInterval`). */
export interface MetricResult {
  /** NaN where there is nothing to compute it from. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Rows that it was computed from. */
  readonly n: number;
  /** How many rows were left out (and, where it says so, cells or resamples), by reason. */
  readonly excluded: Readonly<Record<string, number>>;
}

/** What is said about a metric. */
export interface MetricInfo {
  /** One line for people. */
  readonly title: string;
  /** Such as "nats"; pure numbers have none. */
  readonly unit?: string;
  /** null where neither direction is better. */
  readonly higherIsBetter: boolean | null;
  /** The value of a model that is as people are, where neither direction is better. */
  readonly ideal?: number;
  readonly range: readonly [number, number];
}

/** A metric as additive statistics of the clusters and a function of their sums. */
export interface Prepared<T = number> {
  readonly statistics: Statistics;
  /** @param draw Number of the resample that the sums are of; `ONCE` for those over all clusters. */
  readonly compute: (sums: Float64Array, draw: number) => T;
  readonly n: number;
  readonly excluded: Readonly<Record<string, number>>;
}

/** How intervals are drawn. */
export interface DrawOptions {
  /** Resamples behind each interval (1000); 0 for none, and intervals of NaN. */
  readonly resamples?: number;
  /** Level of the intervals (0.95). */
  readonly level?: number;
  readonly seed?: number;
}

/** Options with their defaults. @throws CumaError for impossible numbers. */
export function checkedDraws({ resamples = 1000, level = 0.95, seed = 0 }: DrawOptions): Required<DrawOptions> {
  checkWhole("resamples", resamples);
  if (!(level > 0 && level < 1)) throw new CumaError(`level: expected a number between 0 and 1, found ${level}`);
  return { resamples, level, seed };
}

/** @throws CumaError unless the option is a whole number, 0 or more. */
export function checkWhole(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 0) return;
  throw new CumaError(`${name}: expected a whole number, 0 or more, found ${value}`);
}

/**
 * Values of prepared metrics with intervals of the cluster bootstrap. Equal seeds give equal numbers, and every metric
 * sees the same draws.
 */
export function resultsOf<Name extends string>(
  infos: Readonly<Record<Name, Pick<MetricInfo, "range">>>,
  names: readonly Name[],
  prepared: readonly Prepared[],
  { resamples, level, seed }: Required<DrawOptions>,
): Record<Name, MetricResult> {
  const drawn = resample(prepared, resamples, () => new Rng(seed, "bootstrap"));
  const values = valuesOf(prepared);
  const results = names.map((name, i): [Name, MetricResult] => {
    const { n, excluded } = prepared[i]!;
    return [name, resultOf(values[i]!, drawn[i]!, { level, range: infos[name].range }, n, excluded)];
  });
  return Object.fromEntries(results) as Record<Name, MetricResult>;
}

/** Values over all clusters, each taken once. */
export function valuesOf(prepared: readonly Prepared[]): number[] {
  const sums = new Map(prepared.map(({ statistics }) => [statistics, totals(statistics)]));
  return prepared.map(({ statistics, compute }) => compute(sums.get(statistics)!, ONCE));
}

/** A value with the interval of its resampled values, and how many of these are undefined; an undefined value has neither. */
export function resultOf(
  value: number,
  resampled: Float64Array,
  { level, range }: { readonly level: number; readonly range: readonly [number, number] },
  n: number,
  excluded: Readonly<Record<string, number>>,
): MetricResult {
  const undefinedDraws = Number.isNaN(value)
    ? 0
    : resampled.reduce((count, drawn) => count + (Number.isNaN(drawn) ? 1 : 0), 0);
  return {
    value,
    ...centredInterval(value, resampled, level, range),
    n,
    excluded: { ...excluded, ...reasons({ "resamples in which it is undefined": undefinedDraws }) },
  };
}

/** Counts of what was left out, without the reasons that never occurred. */
export function reasons(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** Mean of the numbers that are not NaN; NaN where there are none. */
export function mean(values: Iterable<number>): number {
  let sum = 0;
  let n = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    n++;
  }
  return n === 0 ? NaN : sum / n;
}
