import { makeEngine, type Engine } from "../../core/engine/index.ts";
import { standardisation, standardise, type ProfileSpace, type TextEncoder } from "../../core/encoders/index.ts";
import type { RunIdentity } from "../../core/train/index.ts";
import { callback, checkArgument } from "../../core/util/index.ts";
import { hashBase, withWeights, type BaseModel } from "../model/baseModel.ts";
import { openEncoder } from "../model/encoder.ts";
import { encodeProfiles } from "../model/profileVectors.ts";
import { runConfigSchema, type RunConfig } from "../runConfig.ts";
import { fitRun, takesProfiles, type FittedRun } from "./fitRun.ts";
import { identityOf } from "./identity.ts";
import { loadRunData, type Progress, type RunData } from "./runData.ts";

/** Everything a run needs before its first step. */
export interface PreparedRun extends RunData, FittedRun {
  readonly config: RunConfig;
  readonly base: BaseModel;
  readonly engine: Engine;
  readonly space: ProfileSpace | null;
  /** By profile index. */
  readonly vectors: readonly Float32Array[] | null;
  readonly identity: RunIdentity;
}

/** Does everything that comes before the first step. */
export async function prepareRun(config: RunConfig, onProgress: Progress): Promise<PreparedRun> {
  checkArgument("config", runConfigSchema, config);
  checkArgument("onProgress", callback, onProgress);
  const engine = await makeEngine(config);
  const data = await loadRunData(config, onProgress);
  const base = withWeights(data.base, onProgress);
  onProgress("hashing the base");
  const baseHash = hashBase(base);
  const encoder = takesProfiles(config)
    ? await openEncoder(config.encoder.model, base, engine, { onProgress }, baseHash)
    : null;
  try {
    // Before the profiles are encoded, which takes its time.
    const fitted = fitRun(config, data, encoder?.width ?? 0, engine.precision);
    fitted.parameters.initialise(config.train.seed, base.weights);
    const profiles = encoder && (await encodeRun(config, data, fitted, encoder, onProgress));
    const space = profiles?.space ?? null;
    return {
      ...data,
      ...fitted,
      config,
      base,
      engine,
      space,
      vectors: profiles?.vectors ?? null,
      identity: identityOf(config, {
        base: baseHash,
        data: data.files,
        plan: fitted.plan,
        space,
        steps: data.feed.steps,
      }),
    };
  } finally {
    await encoder?.dispose();
  }
}

/** The vectors of the run's profiles, and what they are. */
async function encodeRun(
  { encoder: { model, standardize } }: RunConfig,
  { source }: RunData,
  { projection }: FittedRun,
  encoder: TextEncoder,
  onProgress: Progress,
): Promise<{ space: ProfileSpace; vectors: Float32Array[] }> {
  onProgress(`encoding ${source.profiles.length} profiles`);
  const { width, hash } = encoder;
  const raw = await encodeProfiles(source.profiles, encoder, { standard: null, width });
  const standard = standardize ? standardisation(raw) : null;
  return {
    space: { encoder: model, encoderHash: hash, width, standard, projection },
    vectors: standard ? raw.map((vector) => standardise(vector, standard)) : raw,
  };
}
