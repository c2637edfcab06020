import { existsSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { DatasetName, HoldOutRule } from "../../datasets/index.ts";
import type { MetricName } from "../../eval/index.ts";
import { runEvaluation, type EvaluationResults } from "../../src/app/eval.ts";
import { RESULTS_FILE } from "../../src/app/files/results.ts";
import { runConfigSchema } from "../../src/app/runConfig.ts";
import { train } from "../../src/app/train.ts";
import { checkConfig } from "../../src/core/config/index.ts";
import { readJson, writeFileAtomic } from "../../src/core/io/index.ts";

/** Folder of a training's adapter in that of the training. */
export const ADAPTER = "adapter";

/** What every part is given. */
export interface Context {
  readonly out: string;
  readonly threads: number;
  readonly signal: AbortSignal;
  say(message: string): void;
}

export interface Data {
  readonly benchmark: DatasetName;
  readonly dir: string;
  readonly attributes: readonly string[];
  readonly persona: boolean;
  readonly holdOut: readonly HoldOutRule[];
}

export interface Method {
  readonly name: string;
  readonly adapter: Readonly<Record<string, unknown>>;
  readonly encoder?: Readonly<Record<string, unknown>>;
}

export interface Training {
  readonly base: string;
  readonly data: Data;
  readonly method: Method;
  readonly seed: number;
  readonly lr: number;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Trains into a folder, or goes on with what an earlier call left there. */
export async function trainInto(folder: string, training: Training, context: Context): Promise<string> {
  const { base, data, method, seed, lr, settings } = training;
  const { benchmark, dir, attributes, persona, holdOut } = data;
  const out = join(folder, ADAPTER);
  const config = {
    base,
    data: { benchmark, dir, split: "train", attributes, persona, holdOut },
    ...(method.encoder && { encoder: method.encoder }),
    adapter: method.adapter,
    train: { labels: "soft", ...settings, lr, seed },
    threads: context.threads,
    out,
  };
  if (existsSync(join(out, "run.json"))) return out;
  const started = existsSync(out);
  context.say(`${started ? "going on with" : "training"} ${out}`);
  let last = 0;
  await train(
    checkConfig({ value: config, where: () => folder }, runConfigSchema),
    started ? "resume" : "new",
    () => undefined,
    {
      signal: context.signal,
      onStart: () => undefined,
      onStep: ({ step, loss }, steps) => {
        if (Date.now() - last < 30_000 && step < steps) return;
        last = Date.now();
        context.say(`  step ${step} of ${steps}, loss ${loss.toFixed(4)}`);
      },
      onWarning: ({ step, message }) => {
        context.say(`  warning: step ${step}: ${message}`);
      },
    },
  );
  writeFileAtomic(join(folder, "run.yaml"), new TextEncoder().encode(stringify(config)));
  return out;
}

/** Trains into a folder and evaluates there on a split. */
export async function trainAndEvaluate(
  folder: string,
  split: string,
  training: Training,
  context: Context,
): Promise<EvaluationResults> {
  const adapter = await trainInto(folder, training, context);
  return evaluateInto(folder, split, { base: training.base, data: training.data, adapter }, context);
}

/** Evaluates a base or an adapter on a split into `folder/split`, or reads what an earlier call left there. */
export async function evaluateInto(
  folder: string,
  split: string,
  { base, data, adapter }: { readonly base: string; readonly data: Data; readonly adapter: string | undefined },
  context: Context,
): Promise<EvaluationResults> {
  const out = join(folder, split);
  const results = join(out, RESULTS_FILE);
  if (existsSync(results)) return readJson(results) as EvaluationResults;
  context.say(`evaluating ${out}`);
  const { benchmark, dir, attributes, persona, holdOut } = data;
  return runEvaluation(
    {
      benchmark,
      dir,
      split,
      limit: null,
      seed: 0,
      by: null,
      holdOut: [...holdOut],
      cluster: null,
      resamples: 0,
      permutations: 0,
      out,
      model: { base, adapter, attributes, persona, threads: context.threads },
    },
    existsSync(out) ? "resume" : "new",
    () => undefined,
    { signal: context.signal, onStart: () => undefined, onProgress: () => undefined },
  );
}

/**
 * The rate, of those given, at which a training does best on the validation split.
 * @param at Folder of a rate.
 * @param criterion Metric of the validation split; less is better.
 */
export async function bestRate(
  rates: readonly number[],
  at: (lr: number) => string,
  training: Omit<Training, "lr">,
  criterion: MetricName,
  context: Context,
): Promise<number> {
  let best = rates[0]!;
  let least = Infinity;
  for (const lr of rates) {
    const { metrics } = await trainAndEvaluate(at(lr), "valid", { ...training, lr }, context);
    const { value } = metrics[criterion]!;
    if (value < least) [best, least] = [lr, value];
  }
  return best;
}
