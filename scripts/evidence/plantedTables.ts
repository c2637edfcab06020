import { readFileSync } from "node:fs";
import { join } from "node:path";
import { plantedTruth } from "../../datasets/index.ts";
import { evaluate, PredictionTableBuilder, readPredictions, type PredictionTable } from "../../eval/index.ts";
import { METHODS, PERSONAS, VARIANTS, type PlantedRun } from "./planted.ts";
import { differencesOf, markdown, metricsOf, number, type Entry, type Settings } from "./tables.ts";

const SETTINGS: Settings = {
  by: ["country", "religion"],
  cluster: "question",
  metrics: ["mci", "rho", "beta", "groupEmd", "emdProb", "kl"],
  resamples: 2000,
};
const SUBSETS = ["seen", "held out"] as const;
const LAST_STEPS = 50;

/** Tables of the planted comparison; distances are those to the truth. */
export async function plantedTables(runs: readonly PlantedRun[]): Promise<string> {
  const parts: string[] = [];
  for (const persona of PERSONAS) {
    for (const subset of SUBSETS) {
      const entries: Entry[] = [];
      const bySeed: string[][] = [];
      for (const name of ["base", ...METHODS.map((method) => method.name)]) {
        const members = runs.filter((run) => run.persona === persona && run.method === name);
        const tables = await Promise.all(members.map((run) => againstTruth(run, subset)));
        entries.push({
          name,
          table: together(tables),
          more: [members[0]!.lr === null ? "" : String(members[0]!.lr), effectiveExperts(members)],
        });
        const values = tables.map((table) => evaluate(table, { ...SETTINGS, resamples: 0 }));
        bySeed.push([
          name,
          ...(["mci", "rho", "beta", "groupEmd"] as const).map((metric) => range(values.map((v) => v[metric].value))),
        ]);
      }
      const cuma = entries.find(({ name }) => name === "cuma")!;
      const others = entries.filter(({ name }) => name !== "cuma" && name !== "base");
      parts.push(
        `### Persona ${persona ? "in the prompt" : "not in the prompt"}, ${subset === "seen" ? "groups seen in training" : "groups held out"}`,
        metricsOf(entries, ["rate", "effective experts"], SETTINGS),
        "By seed, least to largest of five:",
        markdown(["", "mci", "rho", "beta", "groupEmd"], bySeed),
        "Paired differences:",
        differencesOf(cuma, others, SETTINGS),
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
    for (const { name } of [METHODS[0]!, ...VARIANTS]) {
      const members = runs.filter(({ method }) => method === name);
      const tables = await Promise.all(members.map((run) => againstTruth(run, subset)));
      entries.push({ name, table: together(tables), more: [effectiveExperts(members)] });
    }
    parts.push(
      `### Settings of CuMA, ${subset === "seen" ? "groups seen in training" : "groups held out"}`,
      metricsOf(entries, ["effective experts"], SETTINGS),
      "Paired differences:",
      differencesOf(entries[0]!, entries.slice(1), SETTINGS),
    );
  }
  return parts.join("\n\n");
}

async function againstTruth({ folder, data, seed }: PlantedRun, subset: string): Promise<PredictionTable> {
  const { table } = await readPredictions(join(folder, "test", "predictions.parquet"));
  const truth = plantedTruth(data);
  const builder = new PredictionTableBuilder();
  for (let i = 0; i < table.rows; i++) {
    const row = table.row(i);
    if (truth.isHeldOut(row.profile) !== (subset === "held out")) continue;
    builder.add({
      ...row,
      exampleId: `${seed}:${row.exampleId}`,
      questionId: `${seed}:${row.questionId}`,
      participantId: null,
      answer: null,
      target: truth.distribution(row.questionId, row.profile),
    });
  }
  return builder.build();
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
