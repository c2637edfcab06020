import { Command } from "commander";
import { count } from "../../eval/format.ts";
import type { DatasetName } from "../../datasets/index.ts";
import { PERMUTATIONS, RESAMPLES } from "../app/draws.ts";
import { datasetNames } from "../app/tableNames.ts";
import type { OutMode } from "../core/io/index.ts";
import { UsageError } from "../core/util/errors.ts";
import { Interruption } from "./interrupt.ts";
import { addModelOptions, collect, draws, names, options, path, type ModelFlags } from "./options.ts";
import { Progress } from "./progress.ts";
import { metricsTable } from "./table.ts";
import { print, printJson, say } from "./terminal.ts";

interface EvalFlags extends Partial<ModelFlags> {
  readonly bench: DatasetName;
  readonly data: string;
  readonly split?: string;
  readonly out?: string;
  readonly predictions?: string;
  readonly limit?: number;
  readonly seed: number;
  readonly by?: readonly string[];
  readonly holdOut?: readonly string[];
  readonly cluster?: "participant" | "question";
  readonly resamples: number;
  readonly permutations?: number;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

export function evalCommand(): Command {
  return addModelOptions(new Command("eval"))
    .description("evaluate a base, with an adapter or without, or a published prediction file")
    .addOption(options.bench().default(datasetNames[0]))
    .addOption(options.data().makeOptionMandatory())
    .option("--split <name>", 'split of the data (default: "test"; with --predictions "full")')
    .option("--out <dir>", "output folder: predictions.parquet and results.json", path)
    .option(
      "--predictions <file>",
      "score this file (QUESTION_ID, PARTICIPANT_ID, SCORE; tsv or csv), without a model",
      path,
    )
    .addOption(options.limit())
    .addOption(options.seed().default(0))
    .option("--by <names>", "attributes whose combined values make the groups, such as country,religion", names)
    .option(
      "--hold-out <rule>",
      "groups to report apart, as a run file's data.holdOut has them (default: those the adapter's training held out); repeatable",
      collect,
    )
    .addOption(options.cluster())
    .option("--resamples <n>", "resamples behind each interval", draws, RESAMPLES)
    .addOption(options.permutations())
    .option("--resume", "go on with the evaluation in the output folder")
    .addOption(options.overwrite())
    .addOption(options.json())
    .addHelpText(
      "after",
      `
Examples:
  cuma eval --bench wvb --base demo --adapter runs/wvb-cuma --data data/wvb --limit 2000 --out runs/wvb-cuma-test
  cuma eval --bench globalopinionqa --base HuggingFaceTB/SmolLM2-135M-Instruct --data data/goqa --hold-out "{ by: [country], share: 0.2 }" --out runs/goqa
  cuma eval --bench wvb --predictions gpt-3.5.tsv --data data/wvb`,
    )
    .action(runEval);
}

async function runEval(flags: EvalFlags): Promise<void> {
  const found =
    flags.predictions === undefined ? await evaluateModel(flags) : await scoreFile(flags, flags.predictions);
  if (flags.json) printJson(found);
  else {
    print(metricsTable(found.metrics));
    if ("subsets" in found && found.subsets) {
      for (const [name, { metrics, samples }] of Object.entries(found.subsets)) {
        const title = name === "heldOut" ? "groups held out of training" : "groups seen in training";
        print(`\n${title}: ${count(samples.examples)} examples\n${metricsTable(metrics)}`);
      }
    }
    if (flags.out !== undefined) print(`results: ${flags.out}`);
  }
}

async function evaluateModel(flags: EvalFlags) {
  const { base, out, bench, data, split = "test", limit = null, seed, by = null, holdOut } = flags;
  const { cluster = null, resamples, permutations = PERMUTATIONS } = flags;
  if (base === undefined) throw new UsageError("expected --base <model>, or --predictions <file>");
  if (out === undefined) throw new UsageError("expected --out <dir> for the predictions and results");
  if (flags.resume && flags.overwrite) throw new UsageError("--resume and --overwrite exclude each other");
  const { runEvaluation } = await import("../app/eval.ts");
  const { holdOutRules } = await import("./holdOutRules.ts");
  const { modelOptions } = await import("./modelOptions.ts");
  const mode: OutMode = flags.resume ? "resume" : flags.overwrite ? "overwrite" : "new";
  const interruption = new Interruption(() => {
    say("interrupted: finishing the questions under way (again: stop at once)");
  });
  let progress: Progress | undefined;
  return runEvaluation(
    {
      benchmark: bench,
      dir: data,
      split,
      limit,
      seed,
      by,
      holdOut: holdOut ? holdOutRules(holdOut) : null,
      cluster,
      resamples,
      permutations,
      out,
      model: modelOptions({ ...flags, base }, say),
    },
    mode,
    say,
    {
      signal: interruption.signal,
      onStart: (done) => {
        progress = new Progress("evaluating", "questions", done);
      },
      onProgress: (done, total) => {
        interruption.saving(done < total);
        progress!.update(done, total);
      },
    },
  ).finally(() => {
    interruption.saving(false);
  });
}

async function scoreFile(flags: EvalFlags, predictions: string) {
  const unused = (["base", "adapter", "limit", "holdOut", "cluster", "permutations", "resume"] as const).find(
    (name) => flags[name] !== undefined,
  );
  if (unused !== undefined)
    throw new UsageError(`--predictions needs no model; expected no --${unused === "holdOut" ? "hold-out" : unused}`);
  const { scorePublishedFile } = await import("../app/published.ts");
  const { bench, data, split = "full", seed, by = null, resamples, out = null, overwrite = false } = flags;
  return scorePublishedFile(
    { benchmark: bench, predictions, dir: data, split, seed, by, resamples, out, overwrite },
    say,
  );
}
