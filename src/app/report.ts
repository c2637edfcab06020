import { resolve, sep } from "node:path";
import { compare, compareAccuracy } from "../../eval/predictions/compare.ts";
import { evaluate, type MetricResult, type PredictionTable } from "../../eval/index.ts";
import {
  detailsOf,
  reportPage,
  reportTables,
  type TableFormat,
  type Comparison,
  type Fact,
  type Report,
  type ReportRun,
  type Subset,
} from "../../eval/report/index.ts";
import { intoFile, sha256File } from "../core/io/index.ts";
import { checkArgument, CumaError, excerpt, UsageError } from "../core/util/index.ts";
import { reportSchema } from "./arguments.ts";
import { packageVersion } from "./package.ts";
import { PERMUTATIONS, RESAMPLES } from "./draws.ts";
import { evaluationFiles, readEvaluation, type StoredEvaluation } from "./files/evaluation.ts";
import type { Results } from "./files/results.ts";
import { readRouteResults } from "./files/routeResults.ts";
import { readTraining } from "./files/trainingLog.ts";

export type ReportFormat = "html" | TableFormat;

export interface ReportOptions {
  /** Result folders of `cuma eval`, or predictions files. */
  readonly results: readonly string[];
  /** File to write; null: nothing is written. */
  readonly out: string | null;
  readonly overwrite?: boolean;
  readonly format?: ReportFormat;
  readonly title?: string;
  /** Attributes whose combined values make the groups; as the evaluations had it unless given. */
  readonly by?: readonly string[];
  /** Resamples behind each interval and test; as the evaluation (of two runs, the first) had it unless given, or 1000. */
  readonly resamples?: number;
  /** Of the bootstrap; as the evaluation (of two runs, the first) had it unless given, or 0. */
  readonly seed?: number;
  /** Files that `cuma route` has written. */
  readonly routing?: readonly string[];
  readonly onProgress?: (message: string) => void;
}

/** More runs than their letters and a readable page can take. */
const MAX_RUNS = 16;
/** Up to so many runs, each is compared with each; otherwise all with the first. */
const MAX_ALL_PAIRS = 4;

/**
 * Reads evaluations and reports on them: one HTML page that needs nothing else, or its tables. Equal inputs and options
 * give equal bytes.
 * @returns The report's text, which also stands in the output file.
 * @throws UsageError for an output file that exists, or too many or equal results; CumaError naming what is wrong.
 */
export async function writeReport(options: ReportOptions): Promise<string> {
  checkArgument("options", reportSchema, options);
  const { out, overwrite = false, format = "html", onProgress = () => undefined } = options;
  checkInputs(options);
  const inputs = [...options.results.flatMap(evaluationFiles), ...(options.routing ?? [])];
  const make = async (): Promise<string> => {
    const report = await makeReport(options, onProgress);
    onProgress("drawing");
    return format === "html" ? await reportPage(report) : reportTables(report, format);
  };
  return intoFile(out, { overwrite, inputs }, make, (text) => new TextEncoder().encode(text));
}

function checkInputs({ results, out, routing = [] }: ReportOptions): void {
  if (results.length === 0) throw new UsageError("expected a result folder or a predictions file");
  if (results.length > MAX_RUNS) {
    throw new UsageError(`expected at most ${MAX_RUNS} results in one report, found ${results.length}`);
  }
  const seen = new Set<string>();
  for (const path of [...results, ...routing]) {
    if (seen.has(resolve(path))) throw new UsageError(`${path}: is given twice`);
    seen.add(resolve(path));
  }
  if (out !== null && seen.has(resolve(out))) throw new UsageError(`${out}: is both read and written`);
}

async function makeReport(options: ReportOptions, onProgress: (message: string) => void): Promise<Report> {
  const stored: StoredEvaluation[] = [];
  for (const path of options.results) {
    onProgress(`reading ${path}`);
    stored.push(await readEvaluation(path));
  }
  const by = options.by ?? commonGrouping(options.results, stored);
  const names = shortNames(options.results);
  const runs: ReportRun[] = [];
  for (const [i, evaluation] of stored.entries()) {
    onProgress(`computing ${options.results[i]!}`);
    runs.push(await makeRun(names[i]!, options.results[i]!, evaluation, by, options));
  }
  const routings = (options.routing ?? []).map((path) => ({ name: path, topology: readRouteResults(path).topology }));
  return {
    title: options.title ?? "Evaluation report",
    by: by ?? [],
    runs,
    ...compareRuns(names, stored, by, options, onProgress),
    routings,
    facts: await reportFacts(options, by),
  };
}

/** Tests between runs: of each pair while there are few runs, otherwise of each with the first. */
function compareRuns(
  names: readonly string[],
  stored: readonly StoredEvaluation[],
  by: readonly string[] | undefined,
  options: ReportOptions,
  onProgress: (message: string) => void,
): Pick<Report, "comparisons" | "notCompared"> {
  const comparisons: Comparison[] = [];
  const notCompared: { a: string; b: string; why: string }[] = [];
  const grouping = by && { by };
  for (const [i, a] of names.slice(0, names.length <= MAX_ALL_PAIRS ? undefined : 1).entries()) {
    for (const [j, b] of names.entries()) {
      const [first, second] = [stored[i]!.table, stored[j]!.table];
      if (j <= i || !first || !second) continue;
      onProgress(`comparing ${a} with ${b}`);
      try {
        const pair = { ...grouping, sources: [a, b] as const };
        const metrics = compare(first, second, { ...pair, ...drawingOf(options, stored[i]!.results) });
        comparisons.push({ a, b, metrics, mcnemar: compareAccuracy(first, second, pair) });
      } catch (error) {
        if (!(error instanceof CumaError)) throw error;
        notCompared.push({ a, b, why: error.message });
      }
    }
  }
  return { comparisons, notCompared };
}

/** What is asked for, else what the evaluation had, else the defaults of `cuma eval`. */
function drawingOf(
  options: ReportOptions,
  results: Results | null,
): { resamples: number; seed: number; cluster?: "participant" | "question" } {
  const { resamples = RESAMPLES, seed = 0, cluster } = results?.config ?? {};
  return { resamples: options.resamples ?? resamples, seed: options.seed ?? seed, ...(cluster && { cluster }) };
}

/** The attributes that all evaluations were grouped by; undefined: the default. */
function commonGrouping(paths: readonly string[], stored: readonly StoredEvaluation[]): readonly string[] | undefined {
  const found = stored.map(({ results }) => results?.config.by ?? undefined);
  const other = found.findIndex((by) => JSON.stringify(by) !== JSON.stringify(found[0]));
  if (other < 0) return found[0];
  const shown = (by: readonly string[] | undefined): string => (by ? excerpt(by.join(",")) : "the default");
  throw new UsageError(
    `expected results that are grouped alike, found ${shown(found[0])} in ${paths[0]!} and ${shown(found[other])} in ${paths[other]!}; give --by`,
  );
}

/** Paths without the folders that they all begin with; of one path the last two parts. */
function shortNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => resolve(path).split(sep));
  if (parts.length === 1) return [parts[0]!.slice(-2).join("/")];
  let common = 0;
  while (parts.every((names) => common < names.length - 1 && names[common] === parts[0]![common])) common++;
  return parts.map((names) => names.slice(common).join("/"));
}

async function makeRun(
  name: string,
  source: string,
  { results, predictions, table, metadata }: StoredEvaluation,
  by: readonly string[] | undefined,
  options: ReportOptions,
): Promise<ReportRun> {
  const notes: string[] = [];
  const metrics = table ? measured(table, results, by, options, notes) : results!.metrics;
  const training = results ? await readTraining(results) : null;
  if (typeof training === "string") notes.push(training);
  return {
    name,
    source,
    metrics,
    details: table && detailsOf(table, by),
    questions: results?.questions ?? {},
    subsets: results ? subsetsOf(results) : [],
    training: typeof training === "string" ? null : training,
    facts: await runFacts(source, results, predictions, metadata),
    notes,
  };
}

/**
 * Metrics of a table. Where its results were computed with equal settings and have equal values, their intervals are
 * taken, as they would come out again; where their values differ, a note says so.
 */
function measured(
  table: PredictionTable,
  results: Results | null,
  by: readonly string[] | undefined,
  options: ReportOptions,
  notes: string[],
): Record<string, MetricResult> {
  const { config } = results ?? {};
  const drawing = drawingOf(options, results);
  const dispersionP = results?.metrics["dispersionP"];
  const grouping = by && { by };
  const sameGroups = JSON.stringify(by ?? null) === JSON.stringify(config?.by ?? null);
  if (results && sameGroups) {
    const values: Record<string, MetricResult> = evaluate(table, { ...grouping, resamples: 0 });
    const stored = Object.keys(values).map((name) => ({
      name,
      value: values[name]!.value,
      result: results.metrics[name],
    }));
    const different = stored.find(({ value, result }) => result && !nearlyEqual(value, result.value));
    if (different) {
      const { name, value, result } = different;
      notes.push(
        `The predictions give other numbers than the results beside them (${name}: ${value} from the predictions, ${result!.value} in the results). Shown is what the predictions give.`,
      );
    } else if (
      config?.resamples === drawing.resamples &&
      config.seed === drawing.seed &&
      stored.every(({ result }) => result)
    ) {
      const taken = Object.fromEntries(stored.map(({ name, result }) => [name, result!]));
      return dispersionP ? { ...taken, dispersionP } : taken;
    }
  }
  const permutations = results && !dispersionP ? 0 : (config?.permutations ?? PERMUTATIONS);
  return evaluate(table, { ...grouping, ...drawing, permutations });
}

const nearlyEqual = (a: number, b: number): boolean =>
  Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a));

async function reportFacts(options: ReportOptions, by: readonly string[] | undefined): Promise<Fact[]> {
  const { routing = [], resamples, seed } = options;
  const asEvaluated = "as evaluated";
  return [
    { name: "cuma", value: packageVersion },
    { name: "groups by", value: by ? by.join(", ") : "country, or the first attribute" },
    { name: "resamples", value: resamples === undefined ? asEvaluated : String(resamples) },
    { name: "seed of resamples", value: seed === undefined ? asEvaluated : String(seed) },
    ...(await Promise.all(
      routing.map(async (path) => ({ name: `SHA-256 of ${path}`, value: await sha256File(path) })),
    )),
  ];
}

async function runFacts(
  source: string,
  results: Results | null,
  predictions: string | null,
  metadata: Readonly<Record<string, string>>,
): Promise<Fact[]> {
  return [
    { name: "read from", value: source },
    ...(predictions === null ? [] : [{ name: "SHA-256 of the predictions", value: await sha256File(predictions) }]),
    ...flattened("predictions", metadata),
    ...(results
      ? [
          ...flattened("benchmark", results.benchmark),
          ...flattened("config", results.config),
          ...flattened("seed", results.seed),
          ...flattened("samples", results.samples),
          ...flattened("version", results.versions),
          ...flattened("git hash", results.gitHash),
          ...flattened("SHA-256", hashesOf(results.identity ?? {})),
          ...flattened("SHA-256", results.files),
        ]
      : []),
  ];
}

/** The hashes among what identifies an evaluation; the rest are settings that stand in its configuration. */
function hashesOf({ base, adapter, encoder, dataFiles }: NonNullable<Results["identity"]>): Record<string, unknown> {
  return { base, adapter, encoder, data: dataFiles };
}

/** Metrics of the groups that training has seen, and of those held out from it, where results have them. */
function subsetsOf({ subsets }: Results): Subset[] {
  if (!subsets) return [];
  return [
    { name: "seen", metrics: subsets.seen.metrics },
    { name: "held out", metrics: subsets.heldOut.metrics },
  ];
}

/** A value's leaves as facts: "config.model.base: demo". Nothing for what is not there. */
function flattened(name: string, value: unknown): Fact[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return [{ name, value: value.map(String).join(", ") }];
  if (typeof value !== "object") return [{ name, value: typeof value === "string" ? value : JSON.stringify(value) }];
  return Object.entries(value).flatMap(([key, inner]) => flattened(`${name}.${key}`, inner));
}
