import { parameterCounts } from "../../core/train/index.ts";
import { callback, checkArgument } from "../../core/util/index.ts";
import { makeEngine } from "../../core/engine/index.ts";
import { encoderWidth } from "../model/encoder.ts";
import { runConfigSchema, type RunConfig } from "../runConfig.ts";
import { fitRun, takesProfiles } from "./fitRun.ts";
import { loadRunData, type Progress } from "./runData.ts";

/** What a run would do, as far as sizes say it: no weight of the base is read, nothing is hashed or encoded. */
export async function describeRun(
  config: RunConfig,
  onProgress: Progress,
): Promise<Record<string, unknown> & { readonly memoryBytes: number }> {
  checkArgument("config", runConfigSchema, config);
  checkArgument("onProgress", callback, onProgress);
  const engine = await makeEngine(config);
  const data = await loadRunData(config, onProgress);
  const width = takesProfiles(config) ? await encoderWidth(config.encoder.model, data.base, engine, { onProgress }) : 0;
  const { parameters, plan, batch, memoryBytes } = fitRun(config, data, width, engine.precision);
  return {
    config: { ...config, plan },
    examples: data.source.length,
    profiles: data.source.profiles.length,
    steps: data.feed.steps,
    batch,
    parameters: parameterCounts(parameters.specs),
    memoryBytes,
    dataFiles: data.files,
    notes: data.notes,
  };
}
