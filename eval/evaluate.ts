import { CumaError, Rng, unknownName } from "../src/util/index.ts";
import { clustersOf, percentileInterval, resample, totals, type Clusters, type Statistics } from "./bootstrap.ts";
import { makeCells, type Cells } from "./metrics/cells.ts";
import { metrics, type MetricName } from "./metrics/index.ts";
import { reasons, type Groups, type MetricInput, type MetricResult, type Prepared } from "./metrics/metric.ts";
import type { PredictionTable } from "./predictions.ts";

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
  /** What is drawn whole in a resample; `participant` unless given, each row without one by itself. */
  readonly cluster?: "participant" | "question";
}

/**
 * Metrics of a predictions table, with percentile intervals of the cluster bootstrap. Equal seeds give equal numbers,
 * and every metric sees the same draws. Metrics that are a mean of distances grow with sampling noise, which a resample
 * has more of: their intervals lie high, and should be compared with those of other predictions for the same people.
 * @throws CumaError for an attribute that no row has, a metric that there is not, or impossible numbers.
 */
export function evaluate<Name extends MetricName = MetricName>(
  table: PredictionTable,
  options: EvaluateOptions<Name> = {},
): Record<Name, MetricResult> {
  const { resamples = 1000, level = 0.95, seed = 0, cluster = "participant" } = options;
  if (!(Number.isInteger(resamples) && resamples >= 0)) {
    throw new CumaError(`resamples: expected a whole number, 0 or more, found ${resamples}`);
  }
  if (!(level > 0 && level < 1)) throw new CumaError(`level: expected a number between 0 and 1, found ${level}`);
  const names = options.metrics ?? (Object.keys(metrics) as Name[]);
  for (const name of names) {
    if (!Object.hasOwn(metrics, name)) throw new CumaError(unknownName("metric", name, Object.keys(metrics)));
  }
  const input = inputOf(table, options.by, options.attributes, cluster);
  const prepared = names.map((name) => metrics[name].prepare(input));
  const drawn = draw(prepared, resamples, () => new Rng(seed, "bootstrap"));
  const results = prepared.map((metric, i) =>
    resultOf(metric.compute(totals(metric.statistics), false), drawn[i]!, level, metric.n, metric.excluded),
  );
  return Object.fromEntries(names.map((name, i) => [name, results[i]!])) as Record<Name, MetricResult>;
}

/** A value with the percentile interval of its resampled values; an undefined value has none. */
export function resultOf(
  value: number,
  resampled: Float64Array,
  level: number,
  n: number,
  excluded: Readonly<Record<string, number>>,
): MetricResult {
  const undefinedDraws = resampled.reduce((count, drawn) => count + (Number.isNaN(drawn) ? 1 : 0), 0);
  return {
    value,
    ...(Number.isNaN(value) ? { low: NaN, high: NaN } : percentileInterval(resampled, level)),
    n,
    excluded: { ...excluded, ...reasons({ "resamples in which it is undefined": undefinedDraws }) },
  };
}

/** Values of each metric by resample; metrics that share statistics share the work. */
function draw(prepared: readonly Prepared[], resamples: number, stream: () => Rng): Float64Array[] {
  const drawn = prepared.map((): Float64Array => new Float64Array(0));
  const sharing = new Map<Statistics, number[]>();
  for (const [i, { statistics }] of prepared.entries()) {
    sharing.set(statistics, [...(sharing.get(statistics) ?? []), i]);
  }
  for (const [statistics, members] of sharing) {
    if (statistics.clusters === 0) continue;
    const compute = members.map((i) => (sums: Float64Array) => prepared[i]!.compute(sums, true));
    const values = resample(statistics, compute, resamples, stream());
    for (const [at, i] of members.entries()) drawn[i] = values[at]!;
  }
  return drawn;
}

function inputOf(
  table: PredictionTable,
  by: readonly string[] | undefined,
  attributes: readonly string[] | undefined,
  cluster: "participant" | "question",
): MetricInput {
  const known = [...table.attributes.keys()];
  const byDefault = known.includes("country") ? ["country"] : known.slice(0, 1);
  const groups = groupsOf(table, by ?? byDefault);
  const clusters = cluster === "question" ? clustersOf(table.question, table.questions.length) : participants(table);
  let cells: Cells | undefined;
  return {
    table,
    clusters,
    questionClusters: cluster === "question",
    groups,
    attributes: (attributes ?? known).map((name) => groupsOf(table, [name])),
    cells: () => (cells ??= makeCells({ table, clusters, groups })),
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

function groupsOf(table: PredictionTable, by: readonly string[]): Groups {
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
