import {
  compare,
  compareAccuracy,
  defaultGrouping,
  evaluate,
  groupNotes,
  readPredictions,
  readTruth,
  sharedAttributes,
  withTruth,
  type Difference,
  type McNemar,
  type MetricResult,
  type PredictionTable,
  type Truth,
} from "../../eval/index.ts";
import { intoFile } from "../core/io/index.ts";
import { checkArgument, count, CumaError, excerpt, UsageError } from "../core/util/index.ts";
import { scoringSchema } from "./arguments.ts";
import { hashFiles, provenance, sampleCounts, type Provenance, type SampleCounts } from "./provenance.ts";

/** Which predictions are scored, and how. */
export interface ScoringConfig {
  /** A predictions table of any model (see `readPredictions`). */
  readonly predictions: string;
  /** Groupings, each a list of attributes whose combined values make the groups; empty: one, the country or the first attribute. */
  readonly by: readonly (readonly string[])[];
  /** The attributes, of all columns that could be; null: every column that two rows share a value of (see `readPredictions`). */
  readonly attributes: readonly string[] | null;
  /** Columns that are no attributes. */
  readonly ignore: readonly string[];
  /** A table of true distributions that take the place of the rows' (see `readTruth`); null: the rows' own. */
  readonly truth: string | null;
  /** Predictions of another model for the same examples; null: none. */
  readonly against: string | null;
  /** What is drawn whole in a resample; null: as `evaluate`. */
  readonly cluster: "participant" | "question" | null;
  /** Resamples behind each interval. */
  readonly resamples: number;
  /** Permutations behind each `dispersionP`. */
  readonly permutations: number;
  readonly seed: number;
  /** File for the results; null: none is written. */
  readonly out: string | null;
  readonly overwrite: boolean;
}

export interface Comparison {
  readonly metrics: Readonly<Record<string, Difference>>;
  /** Of accuracy. */
  readonly mcnemar: McNemar;
}

export interface ScoringResults extends Provenance<ScoringConfig> {
  /** SHA-256 of what was read. */
  readonly files: Readonly<Record<string, string>>;
  /** What the predictions file says of itself. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly samples: SampleCounts;
  /** Rows that no number is computed from, by reason. */
  readonly excluded: Readonly<Record<string, number>>;
  /** Metrics by grouping, such as "country,religion". Numbers that do not apply are null in the file. */
  readonly groupings: Readonly<Record<string, Readonly<Record<string, MetricResult>>>>;
  /** By grouping, where there are other predictions. */
  readonly against: Readonly<Record<string, Comparison>> | null;
}

/** Name of the one grouping of predictions whose rows have no attribute. */
const NO_GROUPS = "all";
const UNMATCHED = "no truth for the question and group";

/**
 * Scores a predictions table of any model, and compares it with another.
 * @throws CumaError naming file and row of what is wrong; UsageError for groupings that cannot be.
 */
export async function scorePredictions(
  config: ScoringConfig,
  onProgress: (message: string) => void,
): Promise<ScoringResults> {
  checkArgument("config", scoringSchema, config);
  const { out, overwrite } = config;
  const inputs = [config.predictions, config.truth, config.against].filter((path) => path !== null);
  return intoFile(out, { overwrite, inputs }, () => score(config, inputs, onProgress));
}

async function score(
  config: ScoringConfig,
  paths: readonly string[],
  onProgress: (message: string) => void,
): Promise<ScoringResults> {
  const { seed } = config;
  const files = await hashFiles(paths);
  const truth = config.truth === null ? null : await readTruth(config.truth, config);
  onProgress(`reading ${config.predictions}`);
  const { metadata, ...scored } = await read(config.predictions, truth, config);
  const excluded = scored.unmatched > 0 ? { [UNMATCHED]: scored.unmatched } : {};
  const groupings = groupingsOf(scored.table, config, onProgress);
  if (config.against !== null && groupings.has("against")) {
    throw new UsageError('--by against: with --against, no grouping can be called "against"');
  }
  const { table } = scored;
  const options = {
    resamples: config.resamples,
    seed,
    attributes: config.attributes ?? sharedAttributes(table),
    ...(config.cluster && { cluster: config.cluster }),
  };
  const metrics = new Map<string, Record<string, MetricResult>>();
  for (const [name, by] of groupings) {
    for (const note of groupNotes(table, by)) onProgress(`note: ${note}`);
    onProgress(`computing metrics by ${excerpt(name)}`);
    const found = evaluate(table, { ...options, by, permutations: config.permutations });
    metrics.set(name, withExcluded(found, excluded));
  }
  return {
    ...provenance(config, seed),
    files,
    metadata,
    samples: sampleCounts(table),
    excluded,
    groupings: Object.fromEntries(metrics),
    against:
      config.against === null
        ? null
        : await compareWith(config, config.against, truth, table, groupings, options, onProgress),
  };
}

async function compareWith(
  config: ScoringConfig,
  against: string,
  truth: Truth | null,
  table: PredictionTable,
  groupings: ReadonlyMap<string, readonly string[]>,
  options: Parameters<typeof compare>[2],
  onProgress: (message: string) => void,
): Promise<Record<string, Comparison>> {
  onProgress(`reading ${against}`);
  const other = await read(against, truth, config);
  const sources = [config.predictions, against] as const;
  const found: [string, Comparison][] = [];
  for (const [name, by] of groupings) {
    onProgress(`comparing by ${excerpt(name)}`);
    found.push([
      name,
      {
        metrics: compare(table, other.table, { ...options, by, sources }),
        mcnemar: compareAccuracy(table, other.table, { by, sources }),
      },
    ]);
  }
  return Object.fromEntries(found);
}

async function read(
  path: string,
  truth: Truth | null,
  choice: Pick<ScoringConfig, "attributes" | "ignore">,
): Promise<{ table: PredictionTable; unmatched: number; metadata: Readonly<Record<string, string>> }> {
  const { table, metadata } = await readPredictions(path, choice);
  if (table.rows === 0) throw new CumaError(`${path}: expected predictions; found no row`);
  return { metadata, ...(truth ? withTruth(table, truth) : { table, unmatched: 0 }) };
}

/** @throws CumaError where the groups that nobody asked for are single rows. */
function groupingsOf(
  table: PredictionTable,
  { predictions, by }: ScoringConfig,
  onProgress: (message: string) => void,
): Map<string, readonly string[]> {
  const lists = by.length > 0 ? by : [defaultGrouping(table)];
  const [attribute] = by.length > 0 ? [] : lists[0]!;
  if (attribute !== undefined) {
    const groups = table.attributes.get(attribute)!.values.length;
    if (groups > 1 && !sharedAttributes(table).includes(attribute)) {
      const found = `expected an attribute whose values rows share; each row has a ${excerpt(attribute)} of its own`;
      throw new CumaError(`${predictions}: ${found}; name the groups with --by`);
    }
    onProgress(`groups: ${count(groups, "value")} of ${excerpt(attribute)} (--by for others)`);
  }
  const groupings = new Map<string, readonly string[]>();
  for (const list of lists) {
    const name = list.length > 0 ? list.join(",") : NO_GROUPS;
    if (groupings.has(name)) throw new UsageError(`--by ${excerpt(name)}: expected each grouping once`);
    groupings.set(name, list);
  }
  return groupings;
}

function withExcluded(
  metrics: Readonly<Record<string, MetricResult>>,
  excluded: Readonly<Record<string, number>>,
): Record<string, MetricResult> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, result]) => [
      name,
      { ...result, excluded: { ...excluded, ...result.excluded } },
    ]),
  );
}
