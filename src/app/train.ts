import { existsSync } from "node:fs";
import { availableParallelism, freemem } from "node:os";
import { adapters, encodeAdapter, loadAdapter, type ReaderSettings } from "../../adapters/index.ts";
import { checkHoldOut, datasets, withoutHeldOut } from "../../datasets/index.ts";
import type { Engine } from "../core/engine/index.ts";
import { isSameFile, type OutMode } from "../core/io/index.ts";
import { baseShapes, linearSites, type Adapter, type AdapterTarget } from "../core/decoder/index.ts";
import {
  profileWidth,
  projectionParameter,
  standardisation,
  standardise,
  type ProfileSpace,
} from "../core/encoders/index.ts";
import {
  AdamW,
  BatchSchedule,
  choosePlan,
  estimateMemory,
  makePlan,
  parameterCounts,
  ParameterStore,
  planNames,
  RunFolder,
  runTraining,
  totalSteps,
  type LogEntry,
  type PlanName,
  type RunIdentity,
  type StoredRun,
  type TrainingWarning,
} from "../core/train/index.ts";
import { callback, checkArgument, CumaError, show } from "../core/util/index.ts";
import { outModeSchema, runHooksSchema } from "./arguments.ts";
import { DEMO_BASE, hashBase, loadBase, makeEngine, type BaseModel } from "./model/base.ts";
import { openEncoder } from "./model/encoder.ts";
import { fitting } from "./model/fitting.ts";
import { versions } from "./package.ts";
import { Prompts } from "./model/prompts.ts";
import { checkAttributes, encodeProfiles, selectAttributes } from "./model/profileVectors.ts";
import { provenance } from "./provenance.ts";
import { runConfigSchema, type RunConfig } from "./runConfig.ts";
import { ChoiceSft } from "./sftSource.ts";

type Progress = (message: string) => void;

/** The examples of a run and what reads them. */
export interface RunData {
  readonly base: BaseModel;
  readonly source: ChoiceSft;
  readonly prompts: Prompts;
  readonly reader: ReaderSettings;
  /** SHA-256 by file. */
  readonly files: Readonly<Record<string, string>>;
  /** What was changed or left out of the data, by reason. */
  readonly notes: Readonly<Record<string, number>>;
}

/** Everything a run needs before its first step. */
export interface PreparedRun extends RunData {
  readonly config: RunConfig;
  readonly engine: Engine;
  readonly adapter: Adapter;
  readonly parameters: ParameterStore;
  readonly space: ProfileSpace | null;
  /** By profile index. */
  readonly vectors: readonly Float32Array[] | null;
  readonly plan: PlanName;
  readonly memoryBytes: number;
  readonly identity: RunIdentity;
}

/** Loads the data and the base of a run file. */
export async function loadRunData(config: RunConfig, onProgress: Progress): Promise<RunData> {
  const { data, train } = config;
  onProgress(`reading ${data.dir} (${data.split})`);
  const draw = { limit: data.limit ?? undefined, seed: train.seed };
  const { holdOut } = data;
  const { load } = datasets[data.benchmark];
  let found = await load(data.dir, data.split, holdOut.length === 0 ? draw : { seed: draw.seed });
  checkHoldOut("data.holdOut", holdOut, found);
  if (holdOut.length > 0) found = withoutHeldOut(found, holdOut, draw);
  if (found.length === 0) {
    const left = holdOut.length > 0 ? " that data.holdOut leaves" : "";
    throw new CumaError(`${data.dir}: the split ${show(data.split)} has no examples${left}`);
  }
  if (data.attributes) checkAttributes("data.attributes", data.attributes, found.attributes);
  const attributes = data.attributes ?? found.attributes;
  const base = await loadBase(config.base, { revision: config.revision, onProgress });
  const { template } = config;
  const prompts = new Prompts(base, { persona: data.persona, template });
  found = fitting(found, prompts, base.config, (profile) => selectAttributes(profile, attributes), onProgress);
  const source = new ChoiceSft(found, prompts, { attributes, labels: train.labels });
  const { files, notes = {} } = found;
  return { base, source, prompts, reader: { attributes, persona: data.persona, template, holdOut }, files, notes };
}

/** Does everything that comes before the first step. */
export async function prepareRun(config: RunConfig, onProgress: Progress): Promise<PreparedRun> {
  checkArgument("config", runConfigSchema, config);
  checkArgument("onProgress", callback, onProgress);
  const engine = makeEngine(config);
  const data = await loadRunData(config, onProgress);
  const { base, source } = data;
  onProgress("hashing the base");
  const baseHash = await hashBase(base.folder);
  const { space, vectors } = await encodeReaders(config, data, baseHash, engine, onProgress);
  const adapter = fit(config, base, space ? profileWidth(space) : 0);
  const specs = [...adapter.parameters, ...(space?.projection ? [projectionParameter(space.projection)] : [])];
  const parameters = new ParameterStore(specs, engine.precision);
  parameters.initialise(config.train.seed);
  for (const { name, part } of specs) {
    if (part === "base") parameters.views[name]!.data.set(base.weights.get(name)!.data);
  }
  const model = { config: base.config, weights: base.weights, adapter, parameters, projection: space?.projection };
  const sizes = largestBatch(config, source);
  const needs = { sizes, accelerator: config.device !== "cpu", availableBytes: freemem() + process.memoryUsage().rss };
  const plan = config.plan === "auto" ? choosePlan(model, needs) : config.plan;
  return {
    ...data,
    config,
    engine,
    adapter,
    parameters,
    space,
    vectors,
    plan,
    memoryBytes: estimateMemory(plan, model, needs),
    identity: identityOf(config, {
      base: baseHash,
      data: data.files,
      plan,
      space,
      steps: totalSteps(source.length, config.train),
    }),
  };
}

/**
 * What two runs must have in common for one to go on with the other: all that its result depends on. Where base, data and
 * results lie may change; what the files hold may not. How long a run goes on matters to a rate that falls towards its end.
 */
function identityOf(
  config: RunConfig,
  found: {
    readonly base: string;
    readonly data: Readonly<Record<string, string>>;
    readonly plan: PlanName;
    readonly space: ProfileSpace | null;
    readonly steps: number;
  },
): RunIdentity {
  const { data, encoder, train, engine, threads } = config;
  return {
    ...config,
    base: undefined,
    revision: undefined,
    out: undefined,
    data: { ...data, dir: undefined },
    encoder: found.space && { ...encoder, model: undefined, hash: found.space.encoderHash },
    train: {
      ...train,
      saveEvery: undefined,
      epochs: undefined,
      maxSteps: undefined,
      steps: train.schedule === "constant" ? undefined : found.steps,
    },
    plan: found.plan,
    threads: engine === "reference" ? null : (threads ?? availableParallelism()),
    baseHash: found.base,
    dataFiles: found.data,
    versions: versions(),
  };
}

/** The vectors of the run's profiles, where the adapter takes any. */
async function encodeReaders(
  { encoder: settings, adapter, ...config }: RunConfig,
  { base, source }: RunData,
  baseHash: string,
  engine: Engine,
  onProgress: Progress,
): Promise<{ space: ProfileSpace | null; vectors: Float32Array[] | null }> {
  const takesProfiles = fit({ ...config, encoder: settings, adapter }, base, 1).profileWidth > 0;
  if (settings.model === "none" || !takesProfiles) return { space: null, vectors: null };
  onProgress(`encoding ${source.profiles.length} profiles`);
  const encoder = await openEncoder(settings.model, base, engine, { onProgress }, baseHash);
  const { width } = encoder;
  const raw = await encodeProfiles(source.profiles, encoder, { standard: null, width });
  await encoder.dispose();
  const standard = settings.standardize ? standardisation(raw) : null;
  const vectors = standard ? raw.map((vector) => standardise(vector, standard)) : raw;
  const projection = settings.projection > 0 ? { inWidth: width, outWidth: settings.projection } : undefined;
  const space = { encoder: settings.model, encoderHash: encoder.hash, width, standard, projection };
  return { space, vectors };
}

function fit({ adapter }: RunConfig, base: BaseModel, width: number): Adapter {
  const target: AdapterTarget = {
    sites: linearSites(base.config),
    baseShapes: baseShapes(base.config),
    profileWidth: width,
  };
  return adapters[adapter.method].fit(adapter, target);
}

/** Size of the largest of the first batches: those of one epoch differ little. */
function largestBatch({ train }: RunConfig, source: ChoiceSft): { B: number; T: number; R: number } {
  const schedule = new BatchSchedule(source.length, train.batchSize, train.seed, (i) => source.at(i).inputIds.length);
  let T = 0;
  for (let batch = 0; batch < Math.min(8, schedule.batchesPerEpoch); batch++) {
    for (const i of schedule.at(batch)) T = Math.max(T, source.at(i).inputIds.length);
  }
  const B = Math.min(train.batchSize, source.length);
  return { B, T, R: B * source.at(0).targets.length };
}

/** What `--dry-run` shows. */
export function describeRun(run: PreparedRun): Record<string, unknown> & { readonly memoryBytes: number } {
  const { config, source, parameters, plan, memoryBytes } = run;
  return {
    config: { ...config, plan },
    examples: source.length,
    profiles: source.profiles.length,
    steps: totalSteps(source.length, config.train),
    batch: largestBatch(config, source),
    parameters: parameterCounts(parameters.specs),
    memoryBytes,
    baseHash: run.identity["baseHash"],
    dataFiles: run.files,
    notes: run.notes,
    encoderHash: run.space?.encoderHash ?? null,
  };
}

export interface RunHooks {
  readonly signal: AbortSignal;
  onStart(info: { readonly startStep: number; readonly steps: number; readonly plan: PlanName }): void;
  onStep(entry: LogEntry, steps: number): void;
  onWarning(warning: TrainingWarning): void;
}

/**
 * Trains by a run file into its output folder.
 * @param mode What is done with what is in the folder. "overwrite" leaves it as it is until the new run is complete.
 * @returns Whether anything was left to do.
 */
export async function train(config: RunConfig, mode: OutMode, onProgress: Progress, hooks: RunHooks): Promise<boolean> {
  checkArgument("config", runConfigSchema, config);
  checkArgument("mode", outModeSchema, mode);
  checkArgument("hooks", runHooksSchema, hooks);
  checkOut(config);
  const folder = RunFolder.open(config.out, mode);
  try {
    const run = await prepareRun(withStoredPlan(config, folder.stored), onProgress);
    if (!folder.begin(run.identity, totalSteps(run.source.length, config.train))) return false;
    await trainPrepared(run, folder, hooks);
    return true;
  } finally {
    folder.close();
  }
}

/** @throws CumaError where the results would lie among what they are made from. */
function checkOut({ out, base, data, encoder }: RunConfig): void {
  const read = { base, "data.dir": data.dir, "encoder.model": encoder.model };
  const names = [DEMO_BASE, "base", "none"];
  for (const [key, path] of Object.entries(read)) {
    if (!names.includes(path) && existsSync(path) && isSameFile(out, path)) {
      throw new CumaError(`${out}: is both the output folder and ${key}; give another output folder`);
    }
  }
}

/** A plan that is chosen by the memory there is must be the same when the run goes on. */
function withStoredPlan(config: RunConfig, stored: StoredRun | null): RunConfig {
  const plan = planNames.find((name) => name === stored?.identity["plan"]);
  return config.plan === "auto" && plan ? { ...config, plan } : config;
}

async function trainPrepared(run: PreparedRun, folder: RunFolder, hooks: RunHooks): Promise<void> {
  const { config, base, engine, adapter, parameters, space, source, vectors, reader, identity } = run;
  const { betas, eps, weightDecay } = config.train;
  const optimizer = new AdamW(parameters, { beta1: betas[0], beta2: betas[1], eps, weightDecay, decayAll: false });
  const trainedOn = { ...base, hash: String(identity["baseHash"]) };
  const encode = (): Record<string, Uint8Array> => encodeAdapter(adapter, parameters.views, space, reader, trainedOn);
  const isExact = engine.precision === "float32";
  const restored = folder.restore();
  if (restored) {
    if (!isExact) {
      throw new CumaError('a run of the engine "reference" cannot be resumed: checkpoints hold float32');
    }
    parameters.set(loadAdapter(restored.adapterFolder, base.config).parameters);
    folder.readOptimizer(optimizer);
    for (const warning of restored.lost) hooks.onWarning(warning);
  }
  const steps = totalSteps(source.length, config.train);
  const startStep = restored?.step ?? 0;
  hooks.onStart({ startStep, steps, plan: run.plan });
  if (startStep < steps) {
    const plan = await makePlan(run.plan, {
      engine,
      config: base.config,
      weights: base.weights,
      adapter,
      parameters,
      projection: space?.projection,
    });
    try {
      await runTraining(
        { plan, adapter, parameters, optimizer, source, vectors, settings: config.train, precision: engine.precision },
        {
          startStep,
          signal: hooks.signal,
          onStep: (entry, total) => {
            folder.log(entry);
            hooks.onStep(entry, total);
          },
          onWarning: (warning) => {
            folder.log(warning);
            hooks.onWarning(warning);
          },
          save: (step) => {
            folder.save(step, identity, encode(), optimizer);
            return Promise.resolve();
          },
          lastSave: () => folder.lastCheckpoint,
        },
      );
    } finally {
      await plan.dispose();
    }
  }
  folder.finish(encode(), isExact ? optimizer : null, {
    ...provenance({ ...config, plan: run.plan }, config.train.seed),
    identity,
    baseHash: trainedOn.hash,
    dataFiles: run.files,
    notes: run.notes,
    encoder: space && { name: space.encoder, hash: space.encoderHash, width: space.width },
    examples: source.length,
    profiles: source.profiles.length,
    steps,
    parameters: parameterCounts(parameters.specs),
    sites: adapter.sites.map(({ path }) => path),
  });
}
