import { Option, type Command } from "commander";
import { adapterNames } from "../app/tableNames.ts";
import { collect, options, path } from "./options.ts";

/** Flags that stand for a key of the run file. */
export const runKeys = {
  base: ["base"],
  data: ["data", "dir"],
  bench: ["data", "benchmark"],
  adapter: ["adapter", "method"],
  out: ["out"],
  limit: ["data", "limit"],
  seed: ["train", "seed"],
  device: ["device"],
  engine: ["engine"],
  threads: ["threads"],
} as const;

export type RunFlags = Partial<Record<keyof typeof runKeys, string | number>> & { readonly set?: readonly string[] };

/** The options by which a run file is changed from the command line. */
export function addRunOptions(command: Command): Command {
  return command
    .argument("[run.yaml]", "run file", path)
    .option("--set <key=value>", "set a key of the run file, such as train.lr=1e-4; may be given again", collect)
    .option("--base <model>", 'base model: a folder, a hub id, or "demo"')
    .addOption(options.data())
    .addOption(options.bench())
    .addOption(new Option("--adapter <method>", "method of the adapter").choices(adapterNames))
    .option("--out <dir>", "output folder")
    .addOption(options.limit())
    .addOption(options.seed())
    .addOption(options.device())
    .addOption(options.engine())
    .addOption(options.threads());
}
