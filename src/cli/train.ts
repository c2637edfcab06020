import { Command } from "commander";
import { UsageError } from "../core/util/errors.ts";
import { formatBytes } from "../core/util/text.ts";
import { Interruption } from "./interrupt.ts";
import { options } from "./options.ts";
import { Progress } from "./progress.ts";
import { addRunOptions, type RunFlags } from "./runOptions.ts";
import { print, printJson, say } from "./terminal.ts";

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
  const { readRunConfig } = await import("./runConfig.ts");
  const config = readRunConfig(file, flags);
  if (flags.resume && flags.overwrite) throw new UsageError("--resume and --overwrite exclude each other");
  if (flags.dryRun) {
    const { describeRun } = await import("../app/training/dryRun.ts");
    const { memoryBytes, ...rest } = await describeRun(config, say);
    const shown = { ...rest, memoryBytes };
    if (flags.json) printJson(shown);
    else {
      const { stringify } = await import("yaml");
      const text = stringify({ ...rest, memory: formatBytes(memoryBytes) }, { aliasDuplicateObjects: false });
      print(text.trimEnd());
    }
    return;
  }
  const { train } = await import("../app/train.ts");
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
  }).finally(() => {
    interruption.saving(false);
  });
  if (flags.json) printJson({ out: config.out, complete: true, loss: last ?? null });
  else print(done ? `trained: ${config.out}` : `${config.out}: the run is complete already`);
}
