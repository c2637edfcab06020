import { Command, Option } from "commander";
import { adapters } from "../../adapters/index.ts";
import { stringify } from "yaml";
import { describeRun, runConfigSchema, train, type RunConfig } from "../app/index.ts";
import { checkConfig, emptyConfig, readConfigFile, setKey, withKey } from "../core/config/index.ts";
import { formatBytes, UsageError } from "../core/util/index.ts";
import { Interruption } from "./interrupt.ts";
import { collect, options, path } from "./options.ts";
import { Progress } from "./progress.ts";
import { print, printJson, say } from "./terminal.ts";

/** Flags that stand for a key of the run file. */
const keys = {
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

export type RunFlags = Partial<Record<keyof typeof keys, string | number>> & { readonly set?: readonly string[] };

/** The options by which a run file is changed from the command line. */
export function addRunOptions(command: Command): Command {
  return command
    .argument("[run.yaml]", "run file", path)
    .option("--set <key=value>", "set a key of the run file, such as train.lr=1e-4; may be given again", collect)
    .option("--base <model>", 'base model: a folder, a hub id, or "demo"')
    .addOption(options.data())
    .addOption(options.bench())
    .addOption(new Option("--adapter <method>", "method of the adapter").choices(Object.keys(adapters)))
    .option("--out <dir>", "output folder")
    .addOption(options.limit())
    .addOption(options.seed())
    .addOption(options.device())
    .addOption(options.engine())
    .addOption(options.threads());
}

/** @throws UsageError naming file, line and key of everything that is wrong. */
export function readRunConfig(file: string | undefined, flags: RunFlags): RunConfig {
  let config = file === undefined ? emptyConfig() : readConfigFile(file);
  for (const assignment of flags.set ?? []) config = setKey(config, assignment);
  for (const [flag, key] of Object.entries(keys)) {
    const value = flags[flag as keyof typeof keys];
    if (value !== undefined) config = withKey(config, key, value);
  }
  return checkConfig(config, runConfigSchema);
}

interface TrainFlags extends RunFlags {
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function trainCommand(): Command {
  return addRunOptions(new Command("train"))
    .description("train an adapter on a frozen base model, by a run file")
    .option("--resume", "go on with the run in the output folder")
    .addOption(options.overwrite())
    .option("--dry-run", "print the resolved configuration, parameters, memory and batches, and stop")
    .addOption(options.json())
    .addHelpText("after", "\nExample:\n  cuma train run.yaml --set train.lr=1e-4 --out runs/first")
    .action(runTrain);
}

async function runTrain(file: string | undefined, flags: TrainFlags): Promise<void> {
  const config = readRunConfig(file, flags);
  if (flags.resume && flags.overwrite) throw new UsageError("--resume and --overwrite exclude each other");
  if (flags.dryRun) {
    const { memoryBytes, ...rest } = await describeRun(config, say);
    const shown = { ...rest, memoryBytes };
    if (flags.json) printJson(shown);
    else {
      const text = stringify({ ...rest, memory: formatBytes(memoryBytes) }, { aliasDuplicateObjects: false });
      print(text.trimEnd());
    }
    return;
  }
  const interruption = new Interruption(() => {
    say("interrupted: finishing the step and saving (again: stop at once)");
  });
  let progress: Progress | undefined;
  let last: number | undefined;
  const mode = flags.resume ? "resume" : flags.overwrite ? "overwrite" : "new";
  const done = await train(config, mode, say, {
    signal: interruption.signal,
    onStart: ({ startStep, steps, plan }) => {
      say(startStep > 0 ? `resuming after step ${startStep} of ${steps}` : `training ${steps} steps (plan ${plan})`);
      progress = new Progress("training", "steps", startStep);
    },
    onStep: ({ step, loss, tokensPerSecond }, steps) => {
      interruption.saving(step < steps);
      last = loss;
      progress!.update(step, steps, `loss ${loss.toFixed(4)}, ${tokensPerSecond.toFixed(0)} tokens/s`);
    },
    onWarning: ({ step, message }) => {
      say(`warning: step ${step}: ${message}`);
    },
  });
  if (flags.json) printJson({ out: config.out, complete: true, loss: last ?? null });
  else print(done ? `trained: ${config.out}` : `${config.out}: the run is complete already`);
}
