import { InvalidArgumentError, Option, type Command } from "commander";
import { PERMUTATIONS } from "../app/draws.ts";
import type { ModelOptions } from "../app/model/languageModel.ts";
import { datasetNames, devices, engineNames } from "../app/tableNames.ts";
import { expandHome } from "../core/io/home.ts";
import { UsageError } from "../core/util/errors.ts";
import { MAX_THREADS } from "../core/util/numbers.ts";
import { excerpt } from "../core/util/show.ts";

// Every command defines its options whenever the program starts, so nothing that takes long to load is imported here.

/** More than any of our counts: a number beyond is a slip, and would only run out of memory or time. */
const MAX_COUNT = 1_000_000_000;
/** Resamples and permutations are numbers in memory for each metric. */
const MAX_DRAWS = 1_000_000;

/** A reader of whole numbers in a range, written in digits. */
function wholeNumberIn(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

export const positiveInteger = wholeNumberIn(1, MAX_COUNT);
export const wholeNumber = wholeNumberIn(0, Number.MAX_SAFE_INTEGER);
export const draws = wholeNumberIn(0, MAX_DRAWS);

/** "country,religion" as a list of names. */
export function names(text: string): string[] {
  const found = text.split(",").map((name) => name.trim());
  if (found.includes("")) throw new InvalidArgumentError("Expected names with commas between them.");
  return found;
}

/** For options and arguments that are paths, or names that may be: `~` is the home folder, wherever the shell left it. */
export const path = expandHome;

/** The same for several, one after the other. */
export function paths(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), expandHome(value)];
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** "country,religion" as one more list of names. */
export function collectNames(text: string, before: readonly string[][]): string[][] {
  return [...before, names(text)];
}

export const options = {
  bench: () => new Option("--bench <name>", "data set").choices(datasetNames),
  data: () => new Option("--data <dir>", "folder of the data set").argParser(path),
  limit: () => new Option("--limit <n>", "number of examples, drawn by the seed").argParser(positiveInteger),
  seed: () => new Option("--seed <n>", "seed of everything that is drawn").argParser(wholeNumber),
  device: () => new Option("--device <name>", "where to compute").choices(devices),
  engine: () => new Option("--engine <name>", "what computes").choices(engineNames),
  threads: () =>
    new Option("--threads <n>", "CPU threads (default: all cores)").argParser(wholeNumberIn(1, MAX_THREADS)),
  overwrite: () => new Option("--overwrite", "replace what is there"),
  json: () => new Option("--json", "print the result as JSON"),
  cluster: () =>
    new Option(
      "--cluster <what>",
      "what is drawn whole in a resample (default: participants where there are any)",
    ).choices(["participant", "question"]),
  permutations: () =>
    new Option("--permutations <n>", `permutations of groups behind dispersionP (default: ${PERMUTATIONS})`).argParser(
      draws,
    ),
};

/** Options of commands that run a model. */
export interface ModelFlags {
  readonly base: string;
  readonly adapter?: string;
  readonly revision?: string;
  readonly encoder?: string;
  readonly allowOtherBase?: boolean;
  readonly persona?: boolean;
  /** Settings such as "date=2025-01-31". */
  readonly template?: readonly string[];
  readonly attributes?: readonly string[];
  readonly device?: ModelOptions["device"];
  readonly engine?: ModelOptions["engine"];
  readonly threads?: number;
}

export function addModelOptions(command: Command): Command {
  return command
    .option("--base <model>", 'base model: a folder, a hub id, or "demo"', path)
    .option("--adapter <dir>", "folder of an adapter (default, where there can be none: the base alone)", path)
    .option("--revision <name>", "branch, tag or commit of a base from the hub")
    .option("--encoder <model>", "encoder of profiles, where the adapter folder does not name it", path)
    .option("--allow-other-base", "run the adapter on another base than it was trained on")
    .option("--persona", "tell who reads in the prompt (default: as the adapter was trained, otherwise yes)")
    .option("--no-persona", "do not tell who reads in the prompt")
    .option(
      "--template <key=value>",
      "what the chat template is given, such as date=2025-01-31 (default: as the adapter was trained); repeatable",
      collect,
    )
    .option(
      "--attributes <names>",
      "what is known of people (default: as the adapter was trained, otherwise all)",
      names,
    )
    .addOption(options.device())
    .addOption(options.engine())
    .addOption(options.threads());
}

/** "country=Japan" pairs as a profile. */
export function parseProfile(pairs: readonly string[]): Record<string, string> {
  const profile = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const [name, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    if (at < 1 || value === "")
      throw new UsageError(`--profile ${excerpt(pair)}: expected name=value, such as country=Japan`);
    if (profile.has(name)) throw new UsageError(`--profile ${excerpt(pair)}: "${excerpt(name)}" is given twice`);
    profile.set(name, value);
  }
  return Object.fromEntries(profile);
}
