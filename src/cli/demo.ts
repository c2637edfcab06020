import { Command } from "commander";
import { join } from "node:path";
import { count, number } from "../../eval/format.ts";
import type { DemoRow } from "../app/demo.ts";
import { options, path } from "./options.ts";
import { Progress } from "./progress.ts";
import { alignTable } from "./table.ts";
import { print, printJson, say } from "./terminal.ts";

interface DemoFlags {
  readonly out: string;
  readonly seed: number;
  readonly threads?: number;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

export function demoCommand(): Command {
  return new Command("demo")
    .description(
      "train LoRA and CuMA of equal size on planted data, with the base that comes with the package, and compare them",
    )
    .option("--out <dir>", "output folder", path, join("runs", "demo"))
    .addOption(options.seed().default(0))
    .addOption(options.threads())
    .addOption(options.overwrite())
    .addOption(options.json())
    .addHelpText("after", "\nExample:\n  cuma demo --out runs/demo")
    .action(runDemoCommand);
}

async function runDemoCommand({ out, seed, threads, overwrite = false, json }: DemoFlags): Promise<void> {
  const { runDemo } = await import("../app/demo.ts");
  let progress: Progress | undefined;
  const { rows, report } = await runDemo(
    { out, seed, threads: threads ?? null, overwrite },
    {
      // Nobody goes on with a demo: there is nothing to be saved, and signals end it.
      signal: new AbortController().signal,
      onProgress: (message) => {
        say(message);
        progress = undefined;
      },
      onStart: ({ startStep }) => {
        progress = new Progress("training", "steps", startStep);
      },
      onStep: ({ step, loss }, steps) => {
        progress!.update(step, steps, `loss ${loss.toFixed(4)}`);
      },
      onWarning: ({ step, message }) => {
        say(`warning: step ${step}: ${message}`);
      },
      onEvaluated: (done, total) => {
        progress ??= new Progress("evaluating", "questions");
        progress.update(done, total);
      },
    },
  );
  if (json) {
    printJson({ out, report, rows });
    return;
  }
  print(`\nDistance to the planted truth, test split, by country and religion\n\n${demoTable(rows)}\n
groupEmd, kl: 0 is best. emdProb: that of the pooled answers, which one average for all can bring to 0 too.
mci: 1 where every group gets the same prediction, 0 where groups are as spread as the truth; read it with
rho (do they differ the right way? 1 is best) and beta (how much of the true difference is there? 1 is best).

report: ${report}
files:  ${out}
ask:   cuma answer --base demo --adapter ${join(out, "cuma", "adapter")} --profile country=Belmora --profile religion=Wayfarer \\
         --question "How much do you trust the courts?" --option "No trust" --option "Some trust" --option "Full trust"`);
}

function demoTable(rows: readonly DemoRow[]): string {
  const names = Object.keys(rows[0]!.metrics) as (keyof DemoRow["metrics"])[];
  return alignTable([
    ["model", "groups", "trained", ...names],
    ...rows.map(({ model, groups, trainableParameters, metrics }) => [
      model,
      groups,
      count(trainableParameters),
      ...names.map((name) => number(metrics[name].value)),
    ]),
  ]);
}
