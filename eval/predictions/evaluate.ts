import { checkArgument, CumaError, Rng, unknownName } from "../../src/core/util/index.ts";
import { checkTable, evaluateOptionsSchema } from "../arguments.ts";
import { metrics, type MetricName } from "../metrics/index.ts";
import type { Metric, MetricInput } from "../metrics/metric.ts";
import {
  checkedDraws,
  checkWhole,
  resultsOf,
  type DrawOptions,
  type MetricResult,
  type Prepared,
} from "../metrics/result.ts";
import { defaultCluster, inputOf } from "./input.ts";
import { permutationTest } from "./permutationTest.ts";
import type { PredictionTable } from "./predictionTable.ts";

export interface EvaluateOptions<Name extends string = MetricName> extends DrawOptions {
  /** Attributes whose combined values make the groups; `country` where profiles have it, else their first attribute. */
  readonly by?: readonly string[];
  /** Attributes that `sigmaInequity` averages over; all of them unless given. */
  readonly attributes?: readonly string[];
  /** All of them unless given. */
  readonly metrics?: readonly Name[];
  /**
   * What is drawn whole in a resample. Participants where any row has one, each row without one by itself; questions
   * where none has: rows are distributions of groups then, and a group's rows are not independent.
   */
  readonly cluster?: "participant" | "question";
  /** Permutations behind `dispersionP` (0: it is not computed). */
  readonly permutations?: number;
}

/** A result by metric; `dispersionP` (see `permutationTest`) where permutations are asked for. */
export type Evaluation<Name extends string = MetricName> = Record<Name, MetricResult> & {
  readonly dispersionP?: MetricResult;
};

/**
 * Metrics of a predictions table, with centred percentile intervals of the cluster bootstrap (see `centredInterval`).
 * Equal seeds give equal numbers, and every metric sees the same draws.
 * @throws CumaError for an attribute that no row has, a metric that there is not, or impossible numbers.
 */
export function evaluate<Name extends MetricName = MetricName>(
  table: PredictionTable,
  options: EvaluateOptions<Name> = {},
): Evaluation<Name> {
  return evaluateWith(metrics, table, options);
}

/** `evaluate` of metrics that need not be in the table of metrics. @throws CumaError as `evaluate` */
export function evaluateWith<Name extends string>(
  known: Readonly<Record<Name, Metric>>,
  table: PredictionTable,
  options: EvaluateOptions<Name> = {},
): Evaluation<Name> {
  checkTable("table", table);
  checkArgument("options", evaluateOptionsSchema, options);
  const { permutations = 0 } = options;
  const draws = checkedDraws(options);
  checkWhole("permutations", permutations);
  const { names, input, prepared } = prepare(known, table, options);
  const results = resultsOf(known, names, prepared, draws);
  if (permutations === 0) return results;
  return { ...results, dispersionP: permutationTest(input, permutations, new Rng(draws.seed, "permutation")) };
}

/** The metrics that are asked for, prepared. @throws CumaError for an attribute that no row has, or no such metric. */
export function prepare<Name extends string>(
  known: Readonly<Record<Name, Metric>>,
  table: PredictionTable,
  options: EvaluateOptions<Name>,
): { names: readonly Name[]; input: MetricInput; prepared: Prepared[] } {
  const names = options.metrics ?? (Object.keys(known) as Name[]);
  for (const name of names) {
    if (!Object.hasOwn(known, name)) throw new CumaError(unknownName("metric", name, Object.keys(known)));
  }
  const input = inputOf(table, options.by, options.attributes, options.cluster ?? defaultCluster(table));
  return { names, input, prepared: names.map((name) => known[name].prepare(input)) };
}
