import { Command, Option } from "commander";
import { reportFormats } from "../app/tableNames.ts";
import type { ReportFormat } from "../app/report.ts";
import { UsageError } from "../core/util/errors.ts";
import { formatBytes } from "../core/util/text.ts";
import { draws, names, options, path, paths, wholeNumber } from "./options.ts";
import { print, say } from "./terminal.ts";

interface ReportFlags {
  readonly out?: string;
  readonly format: ReportFormat;
  readonly by?: readonly string[];
  readonly routing?: readonly string[];
  readonly title?: string;
  readonly resamples?: number;
  readonly seed?: number;
  readonly overwrite?: boolean;
}

export function reportCommand(): Command {
  return new Command("report")
    .description(
      "one HTML page about one or more evaluations: metrics, tests, collapse, distributions, routing, training",
    )
    .argument(
      "<results...>",
      "result folders of cuma eval, or predictions files (parquet, arrow, jsonl, csv, tsv)",
      paths,
    )
    .option("--out <file>", "file to write; tables are printed without it", path)
    .addOption(new Option("--format <name>", "html, or its tables only").choices(reportFormats).default("html"))
    .option("--by <names>", "attributes whose combined values make the groups (default: as evaluated)", names)
    .option("--routing <files...>", "what cuma route has written", paths)
    .option("--title <text>", "title of the report")
    .option("--resamples <n>", "resamples behind each interval and test (default: as evaluated, else 1000)", draws)
    .option("--seed <n>", "seed of the resamples (default: as evaluated, else 0)", wholeNumber)
    .addOption(options.overwrite())
    .addHelpText(
      "after",
      `
Examples:
  cuma report runs/demo/base runs/demo/lora/test runs/demo/cuma/test --out runs/demo/report.html
  cuma report runs/demo/cuma/test --format md`,
    )
    .action(runReport);
}

async function runReport(results: readonly string[], { out, ...flags }: ReportFlags): Promise<void> {
  if (out === undefined && flags.format === "html") throw new UsageError("expected --out <file> for the page");
  const { writeReport } = await import("../app/report.ts");
  const text = await writeReport({ ...flags, results, out: out ?? null, onProgress: say });
  if (out === undefined) print(text.trimEnd());
  else print(`report: ${out} (${formatBytes(Buffer.byteLength(text))})`);
}
