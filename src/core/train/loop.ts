import type { HostTensor, Precision } from "../graph/index.ts";
import type { Adapter } from "../decoder/index.ts";
import { CumaError, Interrupted, Rng } from "../util/index.ts";
import { clipByNorm, learningRate, type AdamW, type ScheduleName } from "./adamw.ts";
import { BatchSchedule } from "./batches.ts";
import type { LogEntry, TrainingWarning } from "./logLine.ts";
import { ParameterStore } from "./parameters.ts";
import type { RouterStats, TrainingPlan } from "./plan.ts";
import { mergeRouters, summariseRouting } from "./routing.ts";
import { answerWeight, sftBatch, type SftExample, type SftSource } from "./sft.ts";

export interface TrainingSettings {
  /** Examples in one batch, and batches in one step. */
  readonly batchSize: number;
  readonly accumulate: number;
  readonly epochs: number;
  /** Stop after this many steps; null: after the epochs. */
  readonly maxSteps: number | null;
  readonly lr: number;
  readonly schedule: ScheduleName;
  /** Steps of linear warm-up. */
  readonly warmup: number;
  /** Largest norm of the gradient; 0: no clipping. */
  readonly clipNorm: number;
  /** Factor of the load-balancing loss. */
  readonly loadBalance: number;
  readonly seed: number;
  /** Steps between checkpoints. */
  readonly saveEvery: number;
}

export interface Training {
  readonly plan: TrainingPlan;
  readonly adapter: Adapter;
  readonly parameters: ParameterStore;
  readonly optimizer: AdamW;
  readonly source: SftSource;
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

/** Steps that a run takes. */
export function totalSteps(examples: number, { batchSize, accumulate, epochs, maxSteps }: TrainingSettings): number {
  const perEpoch = Math.ceil(Math.ceil(examples / batchSize) / accumulate);
  return maxSteps === null ? perEpoch * epochs : Math.min(maxSteps, perEpoch * epochs);
}

/**
 * Runs the steps from `startStep` to the end.
 * @throws CumaError where the loss or the gradient is not finite: names the step, the examples and the last checkpoint.
 * @throws Interrupted after the step during which the signal came; the state is saved then.
 */
export async function runTraining(training: Training, hooks: TrainingHooks): Promise<void> {
  const { parameters, optimizer, source, settings, precision } = training;
  const schedule = new BatchSchedule(
    source.length,
    settings.batchSize,
    settings.seed,
    (i) => source.at(i).inputIds.length,
  );
  const stepsPerEpoch = Math.ceil(schedule.batchesPerEpoch / settings.accumulate);
  const steps = totalSteps(source.length, settings);
  const gradients = new ParameterStore(parameters.specs, precision);
  const partial = settings.accumulate > 1 ? new ParameterStore(parameters.specs, precision) : undefined;
  const watch = new RoutingWatch();

  for (let step = hooks.startStep + 1; step <= steps; step++) {
    const begin = performance.now();
    const batches = microBatches(schedule, step, stepsPerEpoch, settings.accumulate).map((batch) =>
      batch.map((i) => source.at(i)),
    );
    const examples = batches.flat();
    const total = answerWeight(examples);
    const tokens = batches.map((batch) => batch.reduce((sum, { inputIds }) => sum + inputIds.length, 0));
    const allTokens = tokens.reduce((a, b) => a + b, 0);

    let loss = 0;
    const routed: (readonly RouterStats[])[] = [];
    for (const [i, batch] of batches.entries()) {
      const into = i === 0 ? gradients : partial!;
      const result = await training.plan.step(
        {
          ...sftBatch(batch, total, precision),
          profile: profileRows(training, batch),
          balanceScale: (settings.loadBalance * tokens[i]!) / allTokens,
          dropoutMask: dropoutMasks(training, step, i),
        },
        into,
      );
      loss += result.loss;
      routed.push(result.routers);
      if (i > 0) for (let k = 0; k < gradients.flat.length; k++) gradients.flat[k]! += partial!.flat[k]!;
    }

    const gradNorm = clipByNorm(gradients.flat, settings.clipNorm);
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
      const what = Number.isFinite(loss) ? `gradient norm is ${gradNorm}` : `loss is ${loss}`;
      const last = hooks.lastSave();
      throw new CumaError(
        `step ${step}: the ${what}; examples: ${examples.map(({ id }) => id).join(", ")}; ${last === null ? "there is no checkpoint yet" : `last good checkpoint: ${last}`}. A lower train.lr or train.clipNorm may help`,
      );
    }
    const lr = learningRate(settings.lr, settings.schedule, settings.warmup, step, steps);
    optimizer.step(gradients.flat, lr, step);

    const routers = mergeRouters(routed, tokens);
    const summary =
      routers.length > 0
        ? summariseRouting(
            routers,
            examples.map(({ profile }) => profile),
          )
        : undefined;
    hooks.onStep(
      {
        step,
        epoch: step / stepsPerEpoch,
        loss,
        auxLoss: routers.reduce((sum, { balance }) => sum + balance, 0),
        lr,
        gradNorm,
        tokensPerSecond: allTokens / ((performance.now() - begin) / 1000),
        ...summary,
      },
      steps,
    );
    if (summary) watch.see(step, summary, training, hooks);

    const interrupted = hooks.signal.aborted;
    if (interrupted || (step % settings.saveEvery === 0 && step < steps)) await hooks.save(step);
    if (interrupted) throw new Interrupted(`interrupted after step ${step}; continue with --resume`);
  }
}

/** The batches of a step; the last step of an epoch may have fewer. */
function microBatches(
  schedule: BatchSchedule,
  step: number,
  stepsPerEpoch: number,
  accumulate: number,
): (readonly number[])[] {
  const epoch = Math.floor((step - 1) / stepsPerEpoch);
  const first = ((step - 1) % stepsPerEpoch) * accumulate;
  const n = Math.min(accumulate, schedule.batchesPerEpoch - first);
  return Array.from({ length: n }, (_, i) => schedule.at(epoch * schedule.batchesPerEpoch + first + i));
}

function profileRows({ vectors }: Training, batch: readonly SftExample[]): HostTensor | undefined {
  if (!vectors) return undefined;
  const width = vectors[0]!.length;
  const data = new Float32Array(batch.length * width);
  for (const [b, { profile }] of batch.entries()) data.set(vectors[profile]!, b * width);
  return { shape: [batch.length, width], data };
}

function dropoutMasks({ adapter, settings }: Training, step: number, microBatch: number) {
  const { dropout } = adapter;
  if (dropout === 0) return undefined;
  return (site: string, shape: readonly number[]): HostTensor => {
    const rng = new Rng(settings.seed, "dropout", step, microBatch, site);
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    const threshold = dropout * 2 ** 32;
    for (let i = 0; i < data.length; i++) data[i] = rng.uint32() < threshold ? 0 : 1 / (1 - dropout);
    return { shape, data };
  };
}

/** Notices routers that do not learn or that send everything one way, and says so once. */
class RoutingWatch {
  private static readonly afterSteps = 100;
  private static readonly smoothing = 0.95;
  private distance: number | undefined;
  private effective: number | undefined;
  private readonly said = new Set<string>();

  see(
    step: number,
    summary: {
      readonly effectiveExperts: number;
      readonly profileDistance: number | null;
      readonly expertLoad: readonly number[];
    },
    { vectors, adapter }: Training,
    hooks: TrainingHooks,
  ): void {
    const smooth = (old: number | undefined, next: number): number =>
      old === undefined ? next : RoutingWatch.smoothing * old + (1 - RoutingWatch.smoothing) * next;
    if (summary.profileDistance !== null) this.distance = smooth(this.distance, summary.profileDistance);
    this.effective = smooth(this.effective, summary.effectiveExperts);
    if (step < RoutingWatch.afterSteps) return;
    if (vectors && adapter.profileWidth > 0 && this.distance !== undefined && this.distance < 0.01) {
      this.say(
        "profiles",
        step,
        `the routing hardly depends on the profile (Jensen-Shannon distance ${this.distance.toFixed(4)}); encoder.standardize: true or a higher train.lr may help`,
        hooks,
      );
    }
    const experts = summary.expertLoad.length;
    if (experts > 2 && this.effective < 1.5) {
      this.say(
        "collapse",
        step,
        `the routers send almost everything to one expert (${this.effective.toFixed(2)} effective of ${experts}); a lower train.lr or a higher train.loadBalance may help`,
        hooks,
      );
    }
  }

  private say(kind: string, step: number, message: string, hooks: TrainingHooks): void {
    if (this.said.has(kind)) return;
    this.said.add(kind);
    hooks.onWarning({ step, message });
  }
}
