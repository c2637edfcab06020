import { readFileSync } from "node:fs";
import { join } from "node:path";
import { plantedTruth } from "../../datasets/index.ts";
import { evaluate, PredictionTableBuilder, readPredictions, type PredictionTable } from "../../eval/index.ts";
import {
  CONDITION_METHODS,
  CONDITIONS,
  METHODS,
  PERSONAS,
  VARIANTS,
  type ConditionRun,
  type PlantedRun,
} from "./planted.ts";
import { differencesOf, markdown, metricsOf, number, type Entry, type Settings } from "./tables.ts";

const SETTINGS: Settings = {
  by: ["country", "religion"],
  cluster: "question",
  metrics: ["mci", "rho", "beta", "groupEmd", "emdProb", "kl"],
  resamples: 2000,
};
const SUBSETS = ["seen", "held out"] as const;
const SEED_METRICS = ["mci", "rho", "beta", "groupEmd", "kl"] as const;
type BySeed = Readonly<Record<(typeof SEED_METRICS)[number], readonly number[]>>;
const DIFFERENCES = ["beta", "kl"] as const;
const BY_SEED = "Differences between trainings: mean over seeds (its standard error): each seed's.";
const LAST_STEPS = 50;

/** Tables of the planted comparison; distances are those to the truth. */
export async function plantedTables(runs: readonly PlantedRun[]): Promise<string> {
  const parts: string[] = [];
  for (const persona of PERSONAS) {
    for (const subset of SUBSETS) {
      const entries: Entry[] = [];
      const bySeed: string[][] = [];
      const values = new Map<string, BySeed>();
      for (const name of ["base", ...METHODS.map((method) => method.name)]) {
        const members = runs.filter((run) => run.persona === persona && run.method === name);
        const tables = await Promise.all(members.map((run) => ofSubset(run, subset)));
        entries.push({
          name,
          table: together(tables),
          more: [members[0]!.lr === null ? "" : String(members[0]!.lr), effectiveExperts(members)],
        });
        const found = valuesBySeed(tables);
        values.set(name, found);
        bySeed.push([name, ...SEED_METRICS.map((metric) => range(found[metric]))]);
      }
      const cuma = entries.find(({ name }) => name === "cuma")!;
      const others = entries.filter(({ name }) => name !== "cuma" && name !== "base");
      parts.push(
        `### Persona ${persona ? "in the prompt" : "not in the prompt"}, ${subset === "seen" ? "groups seen in training" : "groups held out"}`,
        metricsOf(entries, ["rate", "effective experts"], SETTINGS),
        "By seed, least to largest of five:",
        markdown(["", ...SEED_METRICS], bySeed),
        "Paired differences:",
        differencesOf(cuma, others, SETTINGS),
        BY_SEED,
        differenceTable(values, "cuma", others),
      );
    }
  }
  return parts.join("\n\n");
}

/** Tables of CuMA's settings. */
export async function settingsTables(runs: readonly PlantedRun[]): Promise<string> {
  const parts: string[] = [];
  for (const subset of SUBSETS) {
    const entries: Entry[] = [];
    const bySeed: PredictionTable[][] = [];
    for (const { name } of [METHODS[0], ...VARIANTS]) {
      const members = runs.filter(({ method }) => method === name);
      const tables = await Promise.all(members.map((run) => ofSubset(run, subset)));
      entries.push({ name, table: together(tables), more: [effectiveExperts(members)] });
      bySeed.push(tables);
    }
    const values = new Map(entries.map(({ name }, i) => [name, valuesBySeed(bySeed[i]!)]));
    parts.push(
      `### Settings of CuMA, ${subset === "seen" ? "groups seen in training" : "groups held out"}`,
      metricsOf(entries, ["effective experts"], SETTINGS),
      "Paired differences:",
      differencesOf(entries[0]!, entries.slice(1), SETTINGS),
      BY_SEED,
      differenceTable(values, entries[0]!.name, entries.slice(1)),
    );
  }
  return parts.join("\n\n");
}

/** Tables of the comparison under other conditions. */
export async function conditionTables(runs: readonly ConditionRun[]): Promise<string> {
  const parts: string[] = [];
  const methods = CONDITION_METHODS.map(({ name }) => name);
  for (const subset of SUBSETS) {
    const metrics: string[][] = [];
    const differences: string[][] = [];
    for (const { name: condition } of CONDITIONS) {
      const values = new Map<string, BySeed>();
      for (const name of ["base", ...methods]) {
        const members = runs.filter((run) => run.condition === condition && run.method === name);
        const tables = await Promise.all(members.map((run) => ofSubset(run, subset)));
        const found = evaluate(together(tables), { ...SETTINGS, resamples: 0 });
        metrics.push([
          `${condition}: ${name}`,
          members[0]!.lr === null ? "" : String(members[0]!.lr),
          ...SETTINGS.metrics.map((metric) => number(found[metric].value)),
        ]);
        values.set(name, valuesBySeed(tables));
      }
      for (const name of methods.filter((method) => method !== "cuma")) {
        differences.push([`${condition}: cuma - ${name}`, ...differencesBySeed(values, "cuma", name)]);
      }
    }
    parts.push(
      `### Other conditions, ${subset === "seen" ? "groups seen in training" : "groups held out"}`,
      markdown(["", "rate", ...SETTINGS.metrics], metrics),
      BY_SEED,
      markdown(["", ...DIFFERENCES], differences),
    );
  }
  return parts.join("\n\n");
}

async function ofSubset({ folder, data, seed }: PlantedRun, subset: string): Promise<PredictionTable> {
  const { table } = await readPredictions(join(folder, "test", "predictions.parquet"));
  const truth = plantedTruth(data);
  const builder = new PredictionTableBuilder();
  for (let i = 0; i < table.rows; i++) {
    const row = table.row(i);
    if (truth.isHeldOut(row.profile) !== (subset === "held out")) continue;
    const [exampleId, questionId] = [`${seed}:${row.exampleId}`, `${seed}:${row.questionId}`];
    builder.add({ ...row, exampleId, questionId, participantId: null });
  }
  return builder.build();
}

function valuesBySeed(tables: readonly PredictionTable[]): BySeed {
  const found = tables.map((table) => evaluate(table, { ...SETTINGS, metrics: SEED_METRICS, resamples: 0 }));
  const of = (metric: keyof BySeed): number[] => found.map((values) => values[metric].value);
  return { mci: of("mci"), rho: of("rho"), beta: of("beta"), groupEmd: of("groupEmd"), kl: of("kl") };
}

/** "-0.021 (0.014): -0.067, -0.034, ..." for each of `DIFFERENCES`. */
function differencesBySeed(values: ReadonlyMap<string, BySeed>, first: string, other: string): string[] {
  return DIFFERENCES.map((metric) => {
    const [own, others] = [values.get(first)![metric], values.get(other)![metric]];
    const found = own.map((value, seed) => value - others[seed]!);
    const mean = found.reduce((a, b) => a + b) / found.length;
    const variance = found.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (found.length - 1);
    const error = Math.sqrt(variance / found.length);
    return `${number(mean)} (${number(error)}): ${found.map((value) => number(value)).join(", ")}`;
  });
}

function differenceTable(values: ReadonlyMap<string, BySeed>, first: string, others: readonly Entry[]): string {
  const rows = others.map(({ name }) => [`${first} - ${name}`, ...differencesBySeed(values, first, name)]);
  return markdown(["", ...DIFFERENCES], rows);
}

function together(tables: readonly PredictionTable[]): PredictionTable {
  const builder = new PredictionTableBuilder();
  for (const table of tables) for (let i = 0; i < table.rows; i++) builder.add(table.row(i));
  return builder.build();
}

function range(values: readonly number[]): string {
  return `${number(Math.min(...values))} to ${number(Math.max(...values))}`;
}

/** exp of the entropy of the mean gates, mean over the last steps and over seeds. */
function effectiveExperts(runs: readonly PlantedRun[]): string {
  const values = runs.flatMap(({ folder, lr }) => {
    if (lr === null) return [];
    const lines = readFileSync(join(folder, "adapter", "log.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .slice(-LAST_STEPS);
    return lines.flatMap((line) => (JSON.parse(line) as { effectiveExperts?: number }).effectiveExperts ?? []);
  });
  return values.length === 0 ? "" : number(values.reduce((a, b) => a + b) / values.length, 2);
}
