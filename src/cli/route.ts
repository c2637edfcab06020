import { Command } from "commander";
import { count, number, pValue } from "../../eval/format.ts";
import type { DatasetName } from "../../datasets/index.ts";
import { datasetNames } from "../app/tableNames.ts";
import type { RouteResults } from "../app/route.ts";
import { UsageError } from "../core/util/errors.ts";
import { excerpt } from "../core/util/show.ts";
import { addModelOptions, draws, names, options, path, positiveInteger, type ModelFlags } from "./options.ts";
import { Progress } from "./progress.ts";
import { alignTable } from "./table.ts";
import { print, printJson, say } from "./terminal.ts";

/** Questions that are asked without --limit. */
const DEFAULT_QUESTIONS = 24;

interface RouteFlags extends Partial<ModelFlags> {
  readonly profiles: string;
  readonly texts?: string;
  readonly bench?: DatasetName;
  readonly data?: string;
  readonly split?: string;
  readonly limit?: number;
  readonly by?: readonly string[];
  readonly reference?: string;
  readonly answers?: string;
  readonly permutations: number;
  readonly seed: number;
  readonly out?: string;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

export function routeCommand(): Command {
  return addModelOptions(new Command("route"))
    .description("where an adapter's routers send groups of people: expert usage, distances, clusters")
    .requiredOption(
      "--profiles <file>",
      "csv, tsv, jsonl, parquet or arrow, a profile a row; or a predictions table",
      path,
    )
    .option("--texts <file>", "what is read, a text a line (default: 8 neutral questions)", path)
    .addOption(options.data().conflicts("texts"))
    .addOption(options.bench())
    .option("--split <name>", 'split of the data whose questions are asked (default: "test")')
    .option("--limit <n>", "number of questions, drawn by the seed", positiveInteger)
    .option("--by <names>", "attributes whose combined values make the groups, such as country,religion", names)
    .option("--reference <file>", "csv, tsv or json of a label for each group, to compare the clusters with", path)
    .option(
      "--answers <file>",
      "predictions table, to compare distances of routing with those of the true answers",
      path,
    )
    .option("--permutations <n>", "relabellings behind each p-value", draws, 999)
    .addOption(options.seed().default(0))
    .option("--out <file>", "write the results here, such as route.json", path)
    .addOption(options.overwrite())
    .addOption(options.json())
    .addHelpText(
      "after",
      `
With --data the questions of the data set are read (at most --limit, ${DEFAULT_QUESTIONS} without), as in an evaluation.

Example:
  cuma route --base demo --adapter runs/demo/cuma/adapter --profiles runs/demo/cuma/test/predictions.parquet \\
    --data runs/demo/data --answers runs/demo/cuma/test/predictions.parquet --out runs/demo/route.json`,
    )
    .action(runRouteCommand);
}

async function runRouteCommand(flags: RouteFlags): Promise<void> {
  const { base, adapter, data, bench = datasetNames[0], split = "test", limit = DEFAULT_QUESTIONS } = flags;
  if (base === undefined) throw new UsageError("expected --base <model>");
  if (adapter === undefined) throw new UsageError("expected --adapter <dir>: a base has no routers");
  if (data === undefined) {
    const unused = (["bench", "split", "limit"] as const).find((name) => flags[name] !== undefined);
    if (unused !== undefined) throw new UsageError(`--${unused} is about a data set; expected --data <dir> with it`);
  }
  const { runRoute } = await import("../app/route.ts");
  const { modelOptions } = await import("./modelOptions.ts");
  const progress = new Progress("routing", "texts");
  const { texts = null, by = null, reference = null, answers = null, out = null, overwrite = false } = flags;
  const { profiles, permutations, seed } = flags;
  const results = await runRoute(
    {
      model: { ...modelOptions({ ...flags, base }, say), adapter },
      profiles,
      texts,
      questions: data === undefined ? null : { benchmark: bench, dir: data, split, limit },
      by,
      reference,
      answers,
      permutations,
      seed,
      out,
      overwrite,
    },
    {
      onProgress: say,
      onRouted: (done, total) => {
        progress.update(done, total);
      },
    },
  );
  if (flags.json) printJson(results);
  else {
    print(summary(results));
    if (out !== null) print(`\nresults: ${out}`);
  }
}

function summary({ samples, exclusions, topology }: RouteResults): string {
  const { groups, experts, routers, usage, clustering, mutualInformation, agreement, mantel } = topology;
  const cluster = agreement ? ["cluster"] : [];
  const rows = clustering.order.map((g) => [
    groups[g]!.name,
    count(groups[g]!.profiles),
    ...(agreement ? [String(agreement.clusters[g]! + 1)] : []),
    ...usage[g]!.map((share) => share.toFixed(3)),
  ]);
  const header = ["group", "profiles", ...cluster, ...Array.from({ length: experts }, (_, e) => `expert ${e + 1}`)];
  const information = Object.entries(mutualInformation).map(([name, { value, normalised, p }]) => [
    name,
    number(value),
    number(normalised),
    pValue(p),
  ]);
  const left = Object.entries(exclusions).map(([why, n]) => `${count(n)} ${excerpt(why)}`);
  return [
    `${samples.groups} groups of ${samples.profiles} profiles, ${samples.texts} texts, ${routers.length} routers`,
    `left out: ${left.join("; ") || "none"}`,
    "",
    "expert usage, groups in the order of the tree:",
    alignTable([header, ...rows]),
    "",
    alignTable([["attribute and expert", "mutual information (nats)", "normalised", "p"], ...information]),
    ...(agreement
      ? [
          "",
          `agreement with the reference: adjusted Rand ${number(agreement.adjustedRand)}, p ${pValue(agreement.p)}, ${new Set(agreement.reference).size} clusters`,
        ]
      : []),
    ...(mantel
      ? ["", `routing and answers: Mantel r ${number(mantel.r)}, p ${pValue(mantel.p)}, ${mantel.questions} questions`]
      : []),
  ].join("\n");
}
