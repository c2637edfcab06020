import { runConfigSchema, type RunConfig } from "../app/runConfig.ts";
import { checkConfig, emptyConfig, readConfigFile, setKey, withKey } from "../core/config/index.ts";
import { runKeys, type RunFlags } from "./runOptions.ts";

/** @throws UsageError naming file, line and key of everything that is wrong. */
export function readRunConfig(file: string | undefined, flags: RunFlags): RunConfig {
  let config = file === undefined ? emptyConfig() : readConfigFile(file);
  for (const assignment of flags.set ?? []) config = setKey(config, assignment);
  for (const [flag, key] of Object.entries(runKeys)) {
    const value = flags[flag as keyof typeof runKeys];
    if (value !== undefined) config = withKey(config, key, value);
  }
  return checkConfig(config, runConfigSchema);
}
