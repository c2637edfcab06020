import { Command } from "commander";
import { options, path, positiveInteger, wholeNumber } from "./options.ts";
import { Progress } from "./progress.ts";
import { print, printJson } from "./terminal.ts";

export function dataCommand(): Command {
  return new Command("data").description("make data sets").addCommand(wvbCommand()).addCommand(plantedCommand());
}

interface WvbFlags {
  readonly wvs: string;
  readonly metadata: string;
  readonly out: string;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

function wvbCommand(): Command {
  return new Command("wvb")
    .description("raw World Values Survey wave 7 csv to the files of WorldValuesBench, with its split")
    .requiredOption("--wvs <file.csv>", "WVS_Cross-National_Wave_7_csv_v5_0.csv or v6_0", path)
    .requiredOption(
      "--metadata <dir>",
      "folder of question_metadata.json, codebook.json and answer_adjustment.json of the benchmark",
      path,
    )
    .requiredOption("--out <dir>", "output folder", path)
    .addOption(options.overwrite())
    .addOption(options.json())
    .addHelpText(
      "after",
      "\nExample:\n  cuma data wvb --wvs WVS_Cross-National_Wave_7_csv_v6_0.csv --metadata WorldValuesBench/dataset_construction --out data/wvb",
    )
    .action(runWvb);
}

async function runWvb({ wvs, metadata, out, overwrite = false, json }: WvbFlags): Promise<void> {
  const { convertWvs } = await import("../../datasets/worldValuesBench/convertWvs.ts");
  const { stringify } = await import("yaml");
  const progress = new Progress("converting", "bytes");
  const result = await convertWvs({
    wvs,
    metadataDir: metadata,
    out,
    overwrite,
    onProgress: (done: number, total: number) => {
      progress.update(done, total);
    },
  });
  if (json) printJson(result);
  else print(`${out}\n${stringify(result).trimEnd()}`);
}

interface PlantedFlags {
  readonly spec?: string;
  readonly out: string;
  readonly seed?: number;
  readonly participants?: number;
  readonly questions?: number;
  readonly heldOut?: number;
  readonly overwrite?: boolean;
}

function plantedCommand(): Command {
  return new Command("planted")
    .description("synthetic data of known truth: a survey in WorldValuesBench's layout, and preferences")
    .requiredOption("--out <dir>", "output folder", path)
    .option("--spec <file.yaml>", "what the data is drawn from (default: the demo's; see examples/planted)", path)
    .option("--seed <n>", "seed of everything that is drawn (default: the spec's, or 0)", wholeNumber)
    .option("--participants <n>", "number of people", positiveInteger)
    .option("--questions <n>", "number of questions", positiveInteger)
    .option("--held-out <n>", "country and religion pairs that are in the test split only", wholeNumber)
    .addOption(options.overwrite())
    .addHelpText(
      "after",
      `
Examples:
  cuma data planted --out data/planted --seed 1
  cuma data planted --spec examples/planted/interacting.yaml --out data/interacting`,
    )
    .action(runPlanted);
}

async function runPlanted({ spec: file, out, overwrite = false, ...flags }: PlantedFlags): Promise<void> {
  const { checkConfig, emptyConfig, readConfigFile, withKey } = await import("../core/config/index.ts");
  const { plantedSpecSchema, writePlanted } = await import("../../datasets/planted/write/writePlanted.ts");
  let config = file === undefined ? emptyConfig() : readConfigFile(file);
  for (const [knob, value] of Object.entries(flags)) config = withKey(config, [knob], value);
  const spec = checkConfig(config, plantedSpecSchema);
  writePlanted({ ...spec, out, overwrite });
  print(`${out}: planted data, seed ${spec.seed}`);
}
