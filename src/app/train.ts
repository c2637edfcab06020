import { existsSync } from "node:fs";
import { encodeAdapter, loadAdapter } from "../../adapters/index.ts";
import { LOAD_BALANCE } from "../../router/index.ts";
import { isSameFile, type OutMode } from "../core/io/index.ts";
import {
  AdamW,
  makePlan,
  objectives,
  parameterCounts,
  planNames,
  RunFolder,
  runTraining,
  type LogEntry,
  type PlanName,
  type StoredRun,
  type TrainingWarning,
} from "../core/train/index.ts";
import { checkArgument, CumaError } from "../core/util/index.ts";
import { outModeSchema, runHooksSchema } from "./arguments.ts";
import { DEMO_BASE } from "./model/baseModel.ts";
import { provenance } from "./provenance.ts";
import { runConfigSchema, type RunConfig } from "./runConfig.ts";
import { prepareRun, type PreparedRun } from "./training/prepare.ts";
import type { Progress } from "./training/runData.ts";

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
    if (!folder.begin(run.identity, run.feed.steps)) return false;
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
  const { config, base, engine, adapter, parameters, projection, space, source, feed, vectors, identity } = run;
  const { betas, eps, weightDecay } = config.train;
  const settings = { ...config.train, lossScales: { [LOAD_BALANCE]: config.train.loadBalance } };
  const optimizer = new AdamW(parameters, { beta1: betas[0], beta2: betas[1], eps, weightDecay, decayAll: false });
  const trainedOn = { ...base, hash: String(identity["baseHash"]) };
  const encode = (): Record<string, Uint8Array> =>
    encodeAdapter(adapter, parameters.views, space, run.settings, trainedOn);
  const isExact = engine.precision === "float32";
  const restored = folder.restore();
  if (restored) {
    if (!isExact) {
      throw new CumaError(`a run of the engine "${engine.name}" cannot be resumed: checkpoints hold float32`);
    }
    parameters.set(loadAdapter(restored.adapterFolder, base.config).parameters);
    folder.readOptimizer(optimizer);
    for (const warning of restored.lost) hooks.onWarning(warning);
  }
  const { steps } = feed;
  const objective = objectives[config.train.objective];
  const startStep = restored?.step ?? 0;
  hooks.onStart({ startStep, steps, plan: run.plan });
  if (startStep < steps) {
    const plan = await makePlan(run.plan, {
      engine,
      config: base.config,
      weights: base.weights,
      adapter,
      objective,
      parameters,
      projection,
    });
    try {
      await runTraining(
        { plan, adapter, parameters, optimizer, objective, feed, vectors, settings, precision: engine.precision },
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
