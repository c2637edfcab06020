import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import {
  checkHoldOut,
  datasets,
  heldOutTest,
  holdOutRuleSchema,
  loadWorldValuesBench,
  type DatasetName,
  type ExampleSource,
  type HoldOutRule,
} from "../../datasets/index.ts";
import {
  evaluate,
  predict,
  PredictionTableBuilder,
  scorePublished,
  selectRows,
  writePredictions,
  type PredictHooks,
  type PredictionTable,
} from "../../eval/index.ts";
import { checkJson, listFolder, OutFolder, sha256File, type OutMode } from "../core/io/index.ts";
import { callback, checkArgument, CumaError, differences, show, UsageError } from "../core/util/index.ts";
import { evaluationSchema, outModeSchema, predictHooksSchema, publishedSchema } from "./arguments.ts";
import {
  PREDICTIONS_FILE,
  readEvaluationResults,
  RESULTS_FILE,
  writeEvaluationResults,
  writePublishedResults,
  type EvaluationResults,
  type PublishedResults,
} from "./files/results.ts";
import { ChoiceModel, type ModelOptions } from "./model/choiceModel.ts";
import { versions } from "./package.ts";
import { checkAttributes } from "./model/profileVectors.ts";
import { modelConfig, provenance, sampleCounts } from "./provenance.ts";

const PARTIAL_FILE = "partial.jsonl";
const FILES = [PREDICTIONS_FILE, RESULTS_FILE, PARTIAL_FILE];
const FOLDER = {
  ours: (folder: string) => listFolder(folder).filter((name) => FILES.includes(name)),
  last: RESULTS_FILE,
};

export type { EvaluationResults, PublishedResults } from "./files/results.ts";

/** What is evaluated, and on what. */
export interface EvaluationConfig {
  readonly benchmark: DatasetName;
  readonly dir: string;
  readonly split: string;
  /** Number of examples, drawn by the seed; null: all. */
  readonly limit: number | null;
  readonly seed: number;
  /** Attributes whose combined values make the groups; null: the country, or the first attribute there is. */
  readonly by: readonly string[] | null;
  /** Which groups count as held out; null: those that the adapter's training held out. */
  readonly holdOut: readonly HoldOutRule[] | null;
  /** What is drawn whole in a resample; null: as `evaluate`. */
  readonly cluster: "participant" | "question" | null;
  /** Resamples behind each interval. */
  readonly resamples: number;
  /** Permutations behind `dispersionP`. */
  readonly permutations: number;
  readonly out: string;
  readonly model: ModelOptions;
}

/**
 * Evaluates a base, with an adapter or without, on a benchmark: `predictions.parquet` with the distribution for every
 * example, and `results.json` with the metrics. An interrupted evaluation goes on from its last chunk with mode
 * "resume", to the same bytes.
 * @throws CumaError naming what is missing, wrong, or does not fit; Interrupted.
 */
export async function runEvaluation(
  config: EvaluationConfig,
  mode: OutMode,
  onProgress: (message: string) => void,
  hooks: PredictHooks,
): Promise<EvaluationResults> {
  checkArgument("config", evaluationSchema, config);
  checkArgument("mode", outModeSchema, mode);
  checkArgument("onProgress", callback, onProgress);
  checkArgument("hooks", predictHooksSchema, hooks);
  const out = OutFolder.take(config.out, mode, FOLDER);
  try {
    onProgress(`reading ${config.dir} (${config.split})`);
    const loaded = await datasets[config.benchmark].load(config.dir, config.split, {
      limit: config.limit ?? undefined,
      seed: config.seed,
    });
    if (loaded.length === 0) throw new CumaError(`${config.dir}: the split ${show(config.split)} has no examples`);
    if (config.by) checkAttributes("by", config.by, loaded.attributes);
    const model = await ChoiceModel.open({ ...config.model, onProgress });
    try {
      if (model.attributes)
        checkAttributes(`attributes of the model, in ${config.dir}`, model.attributes, loaded.attributes);
      const source = model.fitting(loaded, onProgress);
      const holdOut = heldOutRules(config, source, model);
      const identity = await identityOf(config, holdOut, source, model);
      const [results, partial] = [RESULTS_FILE, PARTIAL_FILE].map((name) => join(out.dir, name)) as [string, string];
      if (mode === "resume" && existsSync(results)) {
        const found = finished(out.dir, identity);
        rmSync(partial, { force: true });
        out.complete();
        return found;
      }
      out.begin();
      const distributions = await predict(source, model, partial, askedOf(identity), hooks, onProgress);
      const table = tableOf(source, distributions);
      onProgress("computing metrics");
      const found = describe(config, source, model, identity, {
        ...measure(table, config),
        subsets: subsetsOf(source, table, holdOut, config),
      });
      out.check();
      writePredictions(join(out.dir, PREDICTIONS_FILE), table, {
        benchmark: datasets[config.benchmark].name,
        version: found.versions["cuma"]!,
        base: model.base.name,
        adapter: identity.adapter ?? "none",
        seed: String(config.seed),
        ...(holdOut.length > 0 && { holdOut: JSON.stringify(holdOut) }),
      });
      writeEvaluationResults(out.dir, found);
      rmSync(partial);
      out.complete();
      return found;
    } finally {
      await model.dispose();
    }
  } finally {
    out.release();
  }
}

interface EvaluationIdentity extends Readonly<Record<string, unknown>> {
  /** SHA-256 of the adapter; null without one. */
  readonly adapter: string | null;
}

/** The rules that apply: the caller's, or else those of the adapter's training. */
function heldOutRules(
  { holdOut, dir, model: { adapter } }: EvaluationConfig,
  source: ExampleSource,
  model: ChoiceModel,
): readonly HoldOutRule[] {
  if (holdOut) {
    checkHoldOut(`held-out groups, in ${dir}`, holdOut, source);
    return holdOut;
  }
  const found = model.loaded?.reader?.holdOut ?? [];
  return checkJson(`${adapter ?? ""}: reader.holdOut`, found, z.array(holdOutRuleSchema));
}

/** What two evaluations must have in common for one to go on with the other. */
async function identityOf(
  { benchmark, split, limit, seed, by, cluster, resamples, permutations }: EvaluationConfig,
  holdOut: readonly HoldOutRule[],
  source: ExampleSource,
  model: ChoiceModel,
): Promise<EvaluationIdentity> {
  return {
    benchmark,
    split,
    limit,
    seed,
    by,
    holdOut,
    cluster,
    resamples,
    permutations,
    ...(await model.identity()),
    dataFiles: source.files,
    versions: versions(),
  };
}

/** The part of an identity that predictions depend on: what is computed from them may be another. */
function askedOf(identity: EvaluationIdentity): Readonly<Record<string, unknown>> {
  const other = ["by", "holdOut", "cluster", "resamples", "permutations"];
  return Object.fromEntries(Object.entries(identity).filter(([name]) => !other.includes(name)));
}

function finished(folder: string, identity: EvaluationIdentity): EvaluationResults {
  const results = readEvaluationResults(folder);
  const different = differences(results.identity, JSON.parse(JSON.stringify(identity)));
  if (different.length === 0) return results;
  throw new CumaError(
    `${join(folder, RESULTS_FILE)}: belongs to another evaluation: ${different.join(", ")}; give --overwrite to replace it, or another folder`,
  );
}

function tableOf(source: ExampleSource, distributions: readonly (readonly number[])[]): PredictionTable {
  const builder = new PredictionTableBuilder();
  for (let i = 0; i < source.length; i++) {
    const { id, ...example } = source.at(i);
    builder.add({ ...example, exampleId: id, probabilities: distributions[i]! });
  }
  return builder.build();
}

/** Metrics of the examples of groups that training has seen, and of the others; null where none is held out. */
function subsetsOf(
  source: ExampleSource,
  table: PredictionTable,
  rules: readonly HoldOutRule[],
  config: EvaluationConfig,
): EvaluationResults["subsets"] {
  const isOut = heldOutTest(rules, source);
  const rows = { seen: [] as number[], heldOut: [] as number[] };
  for (let i = 0; i < source.length; i++) rows[isOut(source.at(i).profile) ? "heldOut" : "seen"].push(i);
  if (rows.heldOut.length === 0) return null;
  return {
    seen: measure(selectRows(table, rows.seen), config),
    heldOut: measure(selectRows(table, rows.heldOut), config),
  };
}

function measure(
  table: PredictionTable,
  { by, cluster, resamples, permutations, seed }: EvaluationConfig,
): Pick<EvaluationResults, "samples" | "metrics"> {
  return {
    samples: sampleCounts(table),
    metrics: evaluate(table, { ...(by && { by }), ...(cluster && { cluster }), resamples, permutations, seed }),
  };
}

function describe(
  config: EvaluationConfig,
  source: ExampleSource,
  model: ChoiceModel,
  identity: EvaluationIdentity,
  found: Pick<EvaluationResults, "samples" | "metrics" | "subsets">,
): EvaluationResults {
  return {
    benchmark: datasets[config.benchmark].name,
    ...provenance(
      { ...config, model: modelConfig(config.model, model, model.attributes ?? source.attributes) },
      config.seed,
    ),
    identity,
    questions: questionTexts(source),
    notes: source.notes ?? {},
    ...found,
  };
}

function questionTexts(source: ExampleSource): Record<string, string> {
  const texts = new Map<string, string>();
  for (let i = 0; i < source.length; i++) {
    const { questionId, question } = source.at(i);
    texts.set(questionId, question);
  }
  return Object.fromEntries(texts);
}

/** A published prediction file, and the data it is scored against. */
export interface PublishedConfig {
  readonly benchmark: DatasetName;
  /** Tab- or comma-separated QUESTION_ID, PARTICIPANT_ID, SCORE. */
  readonly predictions: string;
  readonly dir: string;
  readonly split: string;
  readonly seed: number;
  readonly by: readonly string[] | null;
  readonly resamples: number;
  /** Folder for results.json; null: none is written. */
  readonly out: string | null;
  readonly overwrite: boolean;
}

/** Scores a published prediction file, without a model. @throws CumaError naming file and line of what is wrong. */
export async function scorePublishedFile(
  config: PublishedConfig,
  onProgress: (message: string) => void,
): Promise<PublishedResults> {
  checkArgument("config", publishedSchema, config);
  const { benchmark, predictions, dir, split, seed, by, resamples, out } = config;
  if (benchmark !== "wvb") {
    throw new UsageError(
      `published prediction files are those of WorldValuesBench; expected --bench wvb, found ${benchmark}`,
    );
  }
  const folder =
    out === null
      ? null
      : OutFolder.take(out, config.overwrite ? "overwrite" : "new", { ...FOLDER, aside: true, inputs: [predictions] });
  try {
    const hash = await sha256File(predictions);
    onProgress(`reading ${dir} (${split})`);
    const source = await loadWorldValuesBench(dir, split);
    const scores = await scorePublished(predictions, source, { ...(by && { by }), resamples, seed });
    const results = {
      benchmark: datasets[benchmark].name,
      ...provenance({ ...config }),
      files: { ...source.files, [predictions]: hash },
      ...scores,
    };
    if (folder) {
      folder.begin();
      writePublishedResults(folder.dir, results);
      folder.complete();
    }
    return results;
  } finally {
    folder?.release();
  }
}
