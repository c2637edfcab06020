import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import {
  checkHoldOut,
  datasets,
  heldOutTest,
  holdOutRuleSchema,
  type Dataset,
  type DatasetName,
  type HoldOutRule,
  type Profiled,
  type Source,
} from "../../datasets/index.ts";
import { askAll, tasks, type AskHooks, type EvalTask } from "../../eval/index.ts";
import { OutFolder, type OutMode } from "../core/io/index.ts";
import { callback, checkArgument, checkJson, CumaError, differences, show } from "../core/util/index.ts";
import { askHooksSchema, evaluationSchema, outModeSchema } from "./arguments.ts";
import { evaluationFolder, PARTIAL_FILE } from "./evaluationFolder.ts";
import {
  readEvaluationResults,
  RESULTS_FILE,
  writeEvaluationResults,
  type EvaluationResults,
} from "./files/results.ts";
import { LanguageModel, type ModelOptions } from "./model/languageModel.ts";
import { checkAttributes } from "./model/profileVectors.ts";
import { ModelRespondent } from "./model/respondent.ts";
import { versions } from "./package.ts";
import { modelConfig, provenance } from "./provenance.ts";

export type { EvaluationResults } from "./files/results.ts";

/** What is evaluated, and on what. */
export interface EvaluationConfig<Name extends string = DatasetName> {
  readonly benchmark: Name;
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
 * Evaluates a base, with an adapter or without, on a benchmark: a table of its answers (for questions with options
 * `predictions.parquet`, with the distribution for every example), and `results.json` with the metrics. An interrupted
 * evaluation goes on from its last chunk with mode "resume", to the same bytes.
 * @throws CumaError naming what is missing, wrong, or does not fit; Interrupted.
 */
export async function runEvaluation(
  config: EvaluationConfig,
  mode: OutMode,
  onProgress: (message: string) => void,
  hooks: AskHooks,
): Promise<EvaluationResults> {
  checkArgument("config", evaluationSchema, config);
  checkArgument("mode", outModeSchema, mode);
  checkArgument("onProgress", callback, onProgress);
  checkArgument("hooks", askHooksSchema, hooks);
  const dataset = datasets[config.benchmark];
  return evaluateOn(dataset, tasks[dataset.kind], config, mode, onProgress, hooks);
}

/** `runEvaluation` on any data set, by any task for its kind of examples: they need not be in a table. */
export async function evaluateOn<E extends Profiled>(
  dataset: Dataset<E>,
  task: EvalTask<E>,
  config: EvaluationConfig<string>,
  mode: OutMode,
  onProgress: (message: string) => void,
  hooks: AskHooks,
): Promise<EvaluationResults> {
  const out = OutFolder.take(config.out, mode, evaluationFolder(task.files));
  try {
    onProgress(`reading ${config.dir} (${config.split})`);
    const loaded = await dataset.load(config.dir, config.split, {
      limit: config.limit ?? undefined,
      seed: config.seed,
    });
    if (loaded.length === 0) throw new CumaError(`${config.dir}: the split ${show(config.split)} has no examples`);
    if (config.by) checkAttributes("by", config.by, loaded.attributes);
    const model = await LanguageModel.open({ ...config.model, onProgress });
    try {
      if (model.attributes)
        checkAttributes(`attributes of the model, in ${config.dir}`, model.attributes, loaded.attributes);
      const respondent = new ModelRespondent(model, dataset);
      const source = respondent.fitting(loaded, onProgress);
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
      const kept = { path: partial, identity: askedOf(identity) };
      const table = task.table(source, await askAll(task, source, respondent, kept, hooks, onProgress));
      onProgress("computing metrics");
      const found: EvaluationResults = {
        benchmark: dataset.name,
        ...provenance(
          { ...config, model: modelConfig(config.model, model, model.attributes ?? source.attributes) },
          config.seed,
        ),
        identity,
        ...task.describe(source),
        notes: source.notes ?? {},
        ...task.measure(table, config),
        subsets: subsetsOf(task, source, table, holdOut, config),
      };
      out.check();
      task.write(out.dir, table, {
        benchmark: dataset.name,
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
  { holdOut, dir, model: { adapter } }: EvaluationConfig<string>,
  source: Source,
  model: LanguageModel,
): readonly HoldOutRule[] {
  if (holdOut) {
    checkHoldOut(`held-out groups, in ${dir}`, holdOut, source);
    return holdOut;
  }
  const found = model.loaded?.settings?.holdOut ?? [];
  return checkJson(`${adapter ?? ""}: reader.holdOut`, found, z.array(holdOutRuleSchema));
}

/** What two evaluations must have in common for one to go on with the other. */
async function identityOf(
  { benchmark, split, limit, seed, by, cluster, resamples, permutations }: EvaluationConfig<string>,
  holdOut: readonly HoldOutRule[],
  source: Source,
  model: LanguageModel,
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

/** The part of an identity that answers depend on: what is computed from them may be another. */
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

/** What is measured on the examples of groups that training has seen, and on the others; null where none is held out. */
function subsetsOf<E extends Profiled, T>(
  task: Pick<EvalTask<E, never, never, T>, "select" | "measure">,
  source: Source<E>,
  table: T,
  rules: readonly HoldOutRule[],
  config: EvaluationConfig<string>,
): EvaluationResults["subsets"] {
  const isOut = heldOutTest(rules, source);
  const examples = { seen: [] as number[], heldOut: [] as number[] };
  for (let i = 0; i < source.length; i++) examples[isOut(source.at(i).profile) ? "heldOut" : "seen"].push(i);
  if (examples.heldOut.length === 0) return null;
  return {
    seen: task.measure(task.select(table, examples.seen), config),
    heldOut: task.measure(task.select(table, examples.heldOut), config),
  };
}
