import { Command, Option } from "commander";
import { count, interval, number, pValue } from "../../eval/format.ts";
import { PERMUTATIONS, RESAMPLES } from "../app/draws.ts";
import { textKinds } from "../app/tableNames.ts";
import type { ScoringConfig, ScoringResults } from "../app/score.ts";
import type { TextKind } from "../app/scoreTexts.ts";
import { UsageError } from "../core/util/errors.ts";
import { excerpt } from "../core/util/show.ts";
import { collectNames, draws, names, options, path } from "./options.ts";
import { alignTable, metricsTable } from "./table.ts";
import { print, printJson, say } from "./terminal.ts";

interface ScoreFlags {
  readonly kind: "predictions" | TextKind;
  readonly by: readonly (readonly string[])[];
  readonly attributes?: readonly string[];
  readonly ignore?: readonly string[];
  readonly truth?: string;
  readonly against?: string;
  readonly cluster?: NonNullable<ScoringConfig["cluster"]>;
  readonly resamples: number;
  readonly permutations?: number;
  readonly seed: number;
  readonly out?: string;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

export function scoreCommand(): Command {
  return new Command("score")
    .description("score a table of predictions, generations, judgements or preferences, whatever model made them")
    .argument("<table>", "parquet, arrow, jsonl, csv or tsv", path)
    .addOption(
      new Option("--kind <kind>", "what the rows are").choices(["predictions", ...textKinds]).default("predictions"),
    )
    .option(
      "--by <names>",
      "attributes whose combined values make the groups; may be given again for another grouping",
      collectNames,
      [],
    )
    .option("--attributes <names>", "the columns that are attributes; without it all that are no row numbers", names)
    .option("--ignore <names>", "columns that are no attributes", names)
    .option(
      "--truth <file>",
      "table of question_id, attributes and target: true distributions in place of the rows'",
      path,
    )
    .option("--against <file>", "predictions of another model for the same examples, to compare with", path)
    .addOption(options.cluster())
    .option("--resamples <n>", "resamples behind each interval", draws, RESAMPLES)
    .addOption(options.permutations())
    .addOption(options.seed().default(0))
    .option("--out <file>", "file for the results, JSON", path)
    .addOption(options.overwrite())
    .addOption(options.json())
    .addHelpText(
      "after",
      `
Examples:
  cuma score predictions.parquet --by country --by country,religion
  cuma score generations.jsonl --kind generations --by country
  cuma score model-a.csv --against model-b.csv --truth survey.csv --out scores.json`,
    )
    .action(runScore);
}

async function runScore(table: string, flags: ScoreFlags): Promise<void> {
  if (table === "-") throw new UsageError("standard input is not read; expected a file's name");
  if (flags.kind === "predictions") await runPredictions(table, flags);
  else await runTexts(flags.kind, table, flags);
}

async function runTexts(kind: TextKind, table: string, flags: ScoreFlags): Promise<void> {
  const unused = (["attributes", "ignore", "truth", "against", "cluster", "permutations"] as const).find(
    (name) => flags[name] !== undefined,
  );
  if (unused !== undefined) throw new UsageError(`--${unused} is for predictions; expected none with --kind ${kind}`);
  const { by, resamples, seed, out = null, overwrite = false, json } = flags;
  if (by.length > 1) throw new UsageError(`expected one --by with --kind ${kind}, found ${by.length}`);
  const { scoreTexts } = await import("../app/scoreTexts.ts");
  const found = await scoreTexts(kind, table, { by: by[0] ?? null, resamples, seed, out, overwrite });
  if (json) {
    printJson(found);
    return;
  }
  const groups = Object.entries(found.groups).map(([name, metrics]) => `${excerpt(name)}\n${metricsTable(metrics)}`);
  print([metricsTable(found.overall), ...groups].join("\n\n"));
  if (out !== null) print(`results: ${out}`);
}

async function runPredictions(predictions: string, flags: ScoreFlags): Promise<void> {
  const { scorePredictions } = await import("../app/score.ts");
  const {
    by,
    attributes = null,
    ignore = [],
    truth = null,
    against = null,
    cluster = null,
    resamples,
    permutations = PERMUTATIONS,
    seed,
    out = null,
  } = flags;
  const { overwrite = false } = flags;
  const found = await scorePredictions(
    { predictions, by, attributes, ignore, truth, against, cluster, resamples, permutations, seed, out, overwrite },
    say,
  );
  if (flags.json) {
    printJson({ ...found.groupings, ...(found.against && { against: found.against }) });
  } else {
    print(
      Object.entries(found.groupings)
        .map(([name, metrics]) => section(name, metrics, found))
        .join("\n\n"),
    );
    if (out !== null) print(`results: ${out}`);
  }
}

function section(
  name: string,
  metrics: ScoringResults["groupings"][string],
  { against, config }: ScoringResults,
): string {
  const parts = [`by ${excerpt(name)}`, metricsTable(metrics)];
  const comparison = against?.[name];
  if (comparison) parts.push("", `by ${excerpt(name)}, against ${config.against!}`, comparisonTable(comparison));
  return parts.join("\n");
}

function comparisonTable({ metrics, mcnemar }: NonNullable<ScoringResults["against"]>[string]): string {
  const rows = Object.entries(metrics).map(([name, { a, b, difference, low, high, p, pAdjusted, n }]) => [
    name,
    ...[a, b, difference].map((value) => number(value)),
    interval({ low, high }),
    ...[p, pAdjusted].map(pValue),
    count(n),
  ]);
  const { onlyA, onlyB, p } = mcnemar;
  return [
    alignTable([["metric", "this", "other", "difference", "95% interval", "p", "adjusted p", "n"], ...rows]),
    `right in this only: ${count(onlyA)}, in the other only: ${count(onlyB)} answers; exact McNemar p ${pValue(p)}`,
  ].join("\n");
}
