import { sizeOf, type HostTensor, type Precision } from "../graph/index.ts";
import { makeBatch, type Adapter } from "../decoder/index.ts";
import { CumaError, Interrupted, Rng } from "../util/index.ts";
import { clipByNorm, learningRate, type AdamW, type ScheduleName } from "./adamw.ts";
import { mergeBatches } from "./adapterOutputs.ts";
import type { Feed } from "./feed.ts";
import type { LogEntry, TrainingWarning } from "./logLine.ts";
import { placeLabels, type Objective } from "./objective.ts";
import { ParameterStore } from "./parameters.ts";
import type { StepResult, TrainingPlan } from "./plan.ts";

export interface TrainingSettings {
  readonly lr: number;
  readonly schedule: ScheduleName;
  /** Steps of linear warm-up. */
  readonly warmup: number;
  /** Largest norm of the gradient; 0: no clipping. */
  readonly clipNorm: number;
  /** Factor of each of the adapter's losses, by its name. */
  readonly lossScales: Readonly<Record<string, number>>;
  readonly seed: number;
  /** Steps between checkpoints. */
  readonly saveEvery: number;
}

export interface Training<E> {
  readonly plan: TrainingPlan;
  readonly adapter: Adapter;
  readonly parameters: ParameterStore;
  readonly optimizer: AdamW;
  readonly objective: Objective<E>;
  readonly feed: Feed<E>;
  /** Standardised vectors by profile index; null where the adapter takes none. */
  readonly vectors: readonly Float32Array[] | null;
  readonly settings: TrainingSettings;
  readonly precision: Precision;
}

/** What happens around the steps. */
export interface TrainingHooks {
  /** Steps that were done before. */
  readonly startStep: number;
  readonly signal: AbortSignal;
  onStep(entry: LogEntry, steps: number): void;
  onWarning(warning: TrainingWarning): void;
  /** Makes the state after this step last. */
  save(step: number): Promise<void>;
  /** Where the last state that was made to last lies; null if there is none. */
  lastSave(): string | null;
}

/**
 * Runs the steps from `startStep` to the end.
 * @throws CumaError where the loss or the gradient is not finite: names the step, the examples and the last checkpoint.
 * @throws Interrupted after the step during which the signal came; the state is saved then.
 */
export async function runTraining<E extends { readonly id: string }>(
  training: Training<E>,
  hooks: TrainingHooks,
): Promise<void> {
  const { adapter, parameters, optimizer, objective, feed, settings, precision } = training;
  const gradients = new ParameterStore(parameters.specs, precision);
  let partial: ParameterStore | undefined;
  const monitor = adapter.monitor?.();

  for (let step = hooks.startStep + 1; step <= feed.steps; step++) {
    const begin = performance.now();
    const batches = await feed.batches(step);
    const examples = batches.flat();
    const collated = batches.map((batch) => objective.collate(batch, examples));
    const tokens = collated.map(({ trees }) => trees.reduce((sum, { ids }) => sum + ids.length, 0));
    const allTokens = tokens.reduce((a, b) => a + b, 0);

    const results: StepResult[] = [];
    for (const [i, { trees, profiles, labels, feeds }] of collated.entries()) {
      const into = i === 0 ? gradients : (partial ??= new ParameterStore(parameters.specs, precision));
      const batch = makeBatch(trees, { precision });
      results.push(
        await training.plan.step(
          {
            batch,
            labels: placeLabels(labels, batch),
            feeds,
            profile: profileRows(training.vectors, profiles),
            lossScales: mapValues(settings.lossScales, (scale) => (scale * tokens[i]!) / allTokens),
            dropoutMask: dropoutMasks(adapter, settings.seed, step, i),
          },
          into,
        ),
      );
      if (into !== gradients) for (let k = 0; k < gradients.flat.length; k++) gradients.flat[k]! += into.flat[k]!;
    }
    const loss = results.reduce((sum, result) => sum + result.loss, 0);

    const gradNorm = clipByNorm(gradients.flat, settings.clipNorm);
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
      const what = Number.isFinite(loss) ? `gradient norm is ${gradNorm}` : `loss is ${loss}`;
      const last = hooks.lastSave();
      throw new CumaError(
        `step ${step}: the ${what}; examples: ${examples.map(({ id }) => id).join(", ")}; ${last === null ? "there is no checkpoint yet" : `last good checkpoint: ${last}`}. A lower train.lr or train.clipNorm may help`,
      );
    }
    const lr = learningRate(settings.lr, settings.schedule, settings.warmup, step, feed.steps);
    optimizer.step(gradients.flat, lr, step);

    const { losses, observed } = mergeBatches(results, tokens);
    const seen = monitor?.see(
      step,
      observed,
      collated.flatMap(({ profiles }) => profiles),
    );
    hooks.onStep(
      {
        step,
        epoch: step / feed.stepsPerEpoch,
        loss,
        auxLoss: losses.reduce((sum, { value }) => sum + value, 0),
        lr,
        gradNorm,
        tokensPerSecond: allTokens / ((performance.now() - begin) / 1000),
        ...mapValues(results[0]!.logged, (_, name) => results.reduce((sum, { logged }) => sum + logged[name]!, 0)),
        ...seen?.logged,
      },
      feed.steps,
    );
    for (const message of seen?.warnings ?? []) hooks.onWarning({ step, message });

    const interrupted = hooks.signal.aborted;
    if (interrupted || (step % settings.saveEvery === 0 && step < feed.steps)) await hooks.save(step);
    if (interrupted) throw new Interrupted(`interrupted after step ${step}; continue with --resume`);
  }
}

function mapValues(
  values: Readonly<Record<string, number>>,
  change: (value: number, name: string) => number,
): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]));
}

function profileRows(vectors: readonly Float32Array[] | null, profiles: readonly number[]): HostTensor | undefined {
  if (!vectors) return undefined;
  const width = vectors[0]!.length;
  const data = new Float32Array(profiles.length * width);
  for (const [b, profile] of profiles.entries()) data.set(vectors[profile]!, b * width);
  return { shape: [profiles.length, width], data };
}

function dropoutMasks({ dropout }: Adapter, seed: number, step: number, microBatch: number) {
  if (dropout === 0) return undefined;
  return (site: string, shape: readonly number[]): HostTensor => {
    const rng = new Rng(seed, "dropout", step, microBatch, site);
    const data = new Float32Array(sizeOf(shape));
    const threshold = dropout * 2 ** 32;
    for (let i = 0; i < data.length; i++) data[i] = rng.uint32() < threshold ? 0 : 1 / (1 - dropout);
    return { shape, data };
  };
}
