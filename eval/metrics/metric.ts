import { gather, totals, type Clusters, type Statistics } from "../../src/core/stats/index.ts";
import type { PredictionTable } from "../predictions/table.ts";
import type { Cells } from "./cells.ts";
import type { PreparedDispersion } from "./dispersion.ts";

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

/** Groups of rows: [rows] codes into `names`, -1 for rows that lack an attribute. */
export interface Groups {
  readonly codes: Int32Array;
  readonly names: readonly string[];
  /** What rows of code -1 lack, such as "no country". */
  readonly missing: string;
}

/** What a metric is computed from. */
export interface MetricInput {
  readonly table: PredictionTable;
  readonly clusters: Clusters;
  /** Whether clusters are questions, drawn whole. */
  readonly questionClusters: boolean;
  readonly groups: Groups;
  /** One grouping for each attribute of profiles. */
  readonly attributes: readonly Groups[];
  /** Sums by question, group and option; made once for all metrics that need them. */
  cells(): Cells;
  /** Dispersion between groups; made once for all metrics that need it. */
  dispersion(): PreparedDispersion;
}

/** A metric as additive statistics of the clusters and a function of their sums. */
export interface Prepared<T = number> {
  readonly statistics: Statistics;
  /** @param draw Number of the resample that the sums are of; `ONCE` for those over all clusters. */
  readonly compute: (sums: Float64Array, draw: number) => T;
  readonly n: number;
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

export interface Metric extends MetricInfo {
  prepare(input: MetricInput): Prepared;
}

/** Counts of what was left out, without the reasons that never occurred. */
export function reasons(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

export const NO_ANSWER = "no answer";

/**
 * Statistics over the rows that have an answer: `each` adds what a row gives to the cells.
 * @param groups Where given, rows without a group are left out too.
 */
export function answered(
  input: MetricInput,
  size: number,
  each: (row: number, add: (cell: number, value: number) => void) => void,
  groups?: Groups,
): { statistics: Statistics; sums: Float64Array; n: number; excluded: Record<string, number> } {
  const { answer } = input.table;
  let n = 0;
  let noAnswer = 0;
  let noGroup = 0;
  const statistics = gather(input.clusters, size, (row, add) => {
    if (answer[row]! < 0) noAnswer++;
    else if (groups && groups.codes[row]! < 0) noGroup++;
    else {
      n++;
      each(row, add);
    }
  });
  const excluded = reasons({ [NO_ANSWER]: noAnswer, ...(groups ? { [groups.missing]: noGroup } : {}) });
  return { statistics, sums: totals(statistics), n, excluded };
}

/** Whether a row has a target or an answer. */
export function hasTruth(table: PredictionTable, row: number): boolean {
  return table.hasTarget[row] === 1 || table.answer[row]! >= 0;
}

/** Index of the most probable option of a row, the first of equal ones. */
export function argmax(table: PredictionTable, row: number): number {
  const from = table.offsets[row]!;
  const to = table.offsets[row + 1]!;
  let best = from;
  for (let i = from + 1; i < to; i++) if (table.probabilities[i]! > table.probabilities[best]!) best = i;
  return best - from;
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
