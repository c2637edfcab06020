import { checkArgument, CumaError, Rng, unknownName } from "../../src/core/util/index.ts";
import { checkTable, evaluateOptionsSchema } from "../arguments.ts";
import { centredInterval, clustersOf, ONCE, resample, totals, type Clusters } from "../../src/core/stats/index.ts";
import { makeCells, type Cells } from "../metrics/cells.ts";
import { prepareDispersion, type PreparedDispersion } from "../metrics/dispersion.ts";
import { metrics, type MetricName } from "../metrics/index.ts";
import { reasons, type Groups, type MetricInput, type MetricResult, type Prepared } from "../metrics/metric.ts";
import { permutationTest } from "./permutationTest.ts";
import type { PredictionTable } from "./table.ts";

export interface EvaluateOptions<Name extends MetricName = MetricName> {
  /** Attributes whose combined values make the groups; `country` where profiles have it, else their first attribute. */
  readonly by?: readonly string[];
  /** Attributes that `sigmaInequity` averages over; all of them unless given. */
  readonly attributes?: readonly string[];
  /** All of them unless given. */
  readonly metrics?: readonly Name[];
  /** Resamples behind each interval (1000); 0 for none, and intervals of NaN. */
  readonly resamples?: number;
  /** Level of the intervals (0.95). */
  readonly level?: number;
  readonly seed?: number;
  /**
   * What is drawn whole in a resample. Participants where any row has one, each row without one by itself; questions
   * where none has: rows are distributions of groups then, and a group's rows are not independent.
   */
  readonly cluster?: "participant" | "question";
  /** Permutations behind `dispersionP` (0: it is not computed). */
  readonly permutations?: number;
}

/** A result by metric; `dispersionP` (see `permutationTest`) where permutations are asked for. */
export type Evaluation<Name extends MetricName = MetricName> = Record<Name, MetricResult> & {
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
  checkTable("table", table);
  checkArgument("options", evaluateOptionsSchema, options);
  const { resamples, level, seed, permutations } = checkedNumbers(options);
  const { names, input, prepared } = prepare(table, options);
  const drawn = resample(prepared, resamples, () => new Rng(seed, "bootstrap"));
  const values = valuesOf(prepared);
  const results: [string, MetricResult][] = names.map((name, i) => [
    name,
    resultOf(values[i]!, drawn[i]!, { level, range: metrics[name].range }, prepared[i]!.n, prepared[i]!.excluded),
  ]);
  if (permutations > 0)
    results.push(["dispersionP", permutationTest(input, permutations, new Rng(seed, "permutation"))]);
  return Object.fromEntries(results) as Evaluation<Name>;
}

/** The numbers among options, with defaults. @throws CumaError for impossible ones. */
export function checkedNumbers({
  resamples = 1000,
  level = 0.95,
  seed = 0,
  permutations = 0,
}: EvaluateOptions): Required<Pick<EvaluateOptions, "resamples" | "level" | "seed" | "permutations">> {
  for (const [name, value] of Object.entries({ resamples, permutations })) {
    if (!(Number.isInteger(value) && value >= 0)) {
      throw new CumaError(`${name}: expected a whole number, 0 or more, found ${value}`);
    }
  }
  if (!(level > 0 && level < 1)) throw new CumaError(`level: expected a number between 0 and 1, found ${level}`);
  return { resamples, level, seed, permutations };
}

/** The metrics that are asked for, prepared. @throws CumaError for an attribute that no row has, or no such metric. */
export function prepare<Name extends MetricName>(
  table: PredictionTable,
  options: EvaluateOptions<Name>,
): { names: readonly Name[]; input: MetricInput; prepared: Prepared[] } {
  const names = options.metrics ?? (Object.keys(metrics) as Name[]);
  for (const name of names) {
    if (!Object.hasOwn(metrics, name)) throw new CumaError(unknownName("metric", name, Object.keys(metrics)));
  }
  const input = inputOf(table, options.by, options.attributes, options.cluster ?? defaultCluster(table));
  return { names, input, prepared: names.map((name) => metrics[name].prepare(input)) };
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

/** The attributes that make groups where none are asked for; one that names single rows only where there is no other. */
export function defaultGrouping(table: PredictionTable): string[] {
  if (table.attributes.has("country")) return ["country"];
  const [shared = [...table.attributes.keys()][0]] = sharedAttributes(table);
  return shared === undefined ? [] : [shared];
}

/** The attributes with a value that two rows have; the others, such as numbers of rows and dates, make no groups. */
export function sharedAttributes({ attributes }: PredictionTable): string[] {
  const known = (codes: Int32Array): number => codes.reduce((rows, code) => rows + Number(code >= 0), 0);
  return [...attributes].flatMap(([name, { codes, values }]) => (values.length < known(codes) ? [name] : []));
}

export function defaultCluster({ participant }: PredictionTable): "participant" | "question" {
  return participant.values.length > 0 ? "participant" : "question";
}

/** What metrics are computed from. @throws CumaError for an attribute that no row has. */
export function inputOf(
  table: PredictionTable,
  by: readonly string[] | undefined,
  attributes: readonly string[] | undefined,
  cluster: "participant" | "question",
): MetricInput {
  const groups = groupsOf(table, by ?? defaultGrouping(table));
  const clusters = cluster === "question" ? clustersOf(table.question, table.questions.length) : participants(table);
  const questionClusters = cluster === "question";
  let sums: Cells | undefined;
  const cells = (): Cells => (sums ??= makeCells({ table, clusters, groups }));
  let dispersion: PreparedDispersion | undefined;
  return {
    table,
    clusters,
    questionClusters,
    groups,
    attributes: (attributes ?? [...table.attributes.keys()]).map((name) => groupsOf(table, [name])),
    cells,
    dispersion: () => (dispersion ??= prepareDispersion({ cells, questionClusters })),
  };
}

function participants({ rows, participant }: PredictionTable): Clusters {
  let count = participant.values.length;
  const clusterOfRow = Int32Array.from({ length: rows }, (_, row) => {
    const code = participant.codes[row]!;
    return code >= 0 ? code : count++;
  });
  return clustersOf(clusterOfRow, count);
}

/** Rows by the combined values of attributes. @throws CumaError for an attribute that no row has. */
export function groupsOf(table: PredictionTable, by: readonly string[]): Groups {
  const columns = by.map((name) => {
    const column = table.attributes.get(name);
    if (!column) throw new CumaError(unknownName("attribute", name, table.attributes.keys()));
    return column;
  });
  const missing = by.length === 0 ? "no attribute" : `no ${by.join(" or ")}`;
  const [only] = columns;
  if (only && columns.length === 1) return { codes: only.codes, names: only.values, missing };
  const codeOf = new Map<string, number>();
  const codes = Int32Array.from({ length: table.rows }, (_, row) => {
    if (columns.length === 0 || columns.some((column) => column.codes[row]! < 0)) return -1;
    const name = JSON.stringify(columns.map((column) => column.values[column.codes[row]!]!));
    let code = codeOf.get(name);
    if (code === undefined) codeOf.set(name, (code = codeOf.size));
    return code;
  });
  return { codes, names: [...codeOf.keys()], missing };
}
