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
import {
  BY_SEED,
  differencesBySeed,
  differencesOf,
  differenceTable,
  markdown,
  metricsOf,
  number,
  range,
  valuesOf,
  type Entry,
  type Settings,
  type Values,
} from "./tables.ts";

const SETTINGS: Settings = {
  by: ["country", "religion"],
  cluster: "question",
  metrics: ["mci", "rho", "beta", "groupEmd", "emdProb", "kl"],
  resamples: 2000,
};
const SUBSETS = ["seen", "held out"] as const;
const SEED_METRICS = ["mci", "rho", "beta", "groupEmd", "kl"] as const;
const DIFFERENCES = ["beta", "kl"] as const;
const LAST_STEPS = 50;

/** Tables of the planted comparison; distances are those to the truth. */
export async function plantedTables(runs: readonly PlantedRun[]): Promise<string> {
  const parts: string[] = [];
  for (const persona of PERSONAS) {
    for (const subset of SUBSETS) {
      const entries: Entry[] = [];
      const bySeed: string[][] = [];
      const values = new Map<string, Values>();
      for (const name of ["base", ...METHODS.map((method) => method.name)]) {
        const members = runs.filter((run) => run.persona === persona && run.method === name);
        const tables = await Promise.all(members.map((run) => ofSubset(run, subset)));
        entries.push({
          name,
          table: together(tables),
          more: [members[0]!.lr === null ? "" : String(members[0]!.lr), effectiveExperts(members)],
        });
        const found = valuesOf(tables, SEED_METRICS, SETTINGS.by);
        values.set(name, found);
        bySeed.push([name, ...SEED_METRICS.map((metric) => range(found.get(metric)!))]);
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
        differenceTable(values, "cuma", others, DIFFERENCES),
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
    const values = new Map(entries.map(({ name }, i) => [name, valuesOf(bySeed[i]!, SEED_METRICS, SETTINGS.by)]));
    parts.push(
      `### Settings of CuMA, ${subset === "seen" ? "groups seen in training" : "groups held out"}`,
      metricsOf(entries, ["effective experts"], SETTINGS),
      "Paired differences:",
      differencesOf(entries[0]!, entries.slice(1), SETTINGS),
      BY_SEED,
      differenceTable(values, entries[0]!.name, entries.slice(1), DIFFERENCES),
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
      const values = new Map<string, Values>();
      for (const name of ["base", ...methods]) {
        const members = runs.filter((run) => run.condition === condition && run.method === name);
        const tables = await Promise.all(members.map((run) => ofSubset(run, subset)));
        const found = evaluate(together(tables), { ...SETTINGS, resamples: 0 });
        metrics.push([
          `${condition}: ${name}`,
          members[0]!.lr === null ? "" : String(members[0]!.lr),
          ...SETTINGS.metrics.map((metric) => number(found[metric].value)),
        ]);
        values.set(name, valuesOf(tables, SEED_METRICS, SETTINGS.by));
      }
      for (const name of methods.filter((method) => method !== "cuma")) {
        differences.push([`${condition}: cuma - ${name}`, ...differencesBySeed(values, "cuma", name, DIFFERENCES)]);
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

function together(tables: readonly PredictionTable[]): PredictionTable {
  const builder = new PredictionTableBuilder();
  for (const table of tables) for (let i = 0; i < table.rows; i++) builder.add(table.row(i));
  return builder.build();
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
