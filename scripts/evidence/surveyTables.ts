import { join } from "node:path";
import { isHeldOut } from "../../datasets/index.ts";
import { readPredictions, selectRows, type PredictionTable } from "../../eval/index.ts";
import { surveys, type SurveyName, type SurveyRun } from "./surveys.ts";
import {
  BY_SEED,
  differencesOf,
  differenceTable,
  markdown,
  metricsOf,
  range,
  valuesOf,
  type Entry,
  type Settings,
  type Values,
} from "./tables.ts";

const SETTINGS: Record<SurveyName, Settings> = {
  globalopinionqa: {
    by: ["country"],
    cluster: "question",
    metrics: ["mci", "rho", "beta", "emdProb", "groupEmd", "oneMinusJsd", "kl"],
    resamples: 2000,
  },
  "wvs-cardata": {
    by: ["country", "religion", "education"],
    cluster: "participant",
    metrics: ["mci", "rho", "beta", "emdProb", "groupEmd", "oneMinusJsd", "accuracy", "nll"],
    resamples: 2000,
  },
};

const SEED_METRICS = ["mci", "rho", "beta", "groupEmd"] as const;

/** Tables of a survey, groups seen in training and groups held out: of the first seed, and by seed where there are several. */
export async function surveyTables(name: SurveyName, runs: readonly SurveyRun[]): Promise<string> {
  const settings = SETTINGS[name];
  const { seeds } = surveys[name];
  const parts: string[] = [];
  for (const subset of ["seen", "held out"] as const) {
    const tablesOf = async (method: string): Promise<PredictionTable[]> =>
      Promise.all(
        runs
          .filter((run) => run.method === method)
          .map(async ({ folder }) => {
            const { table } = await readPredictions(join(folder, "test", "predictions.parquet"));
            return only(table, name, subset);
          }),
      );
    const entries: Entry[] = [];
    const values = new Map<string, Values>();
    for (const method of new Set(runs.map((run) => run.method))) {
      const { lr } = runs.find((run) => run.method === method)!;
      const tables = await tablesOf(method);
      entries.push({ name: method, table: tables[0]!, more: [lr === null ? "" : String(lr)] });
      values.set(method, valuesOf(tables, SEED_METRICS, settings.by));
    }
    const rows = entries[0]!.table.rows.toLocaleString("en-US");
    const cuma = entries.find((entry) => entry.name === "cuma")!;
    const others = entries.filter((entry) => entry !== cuma);
    parts.push(
      `### ${subset === "seen" ? "Groups seen in training" : "Groups held out"}, ${rows} test rows`,
      metricsOf(entries, ["rate"], settings),
      "Paired differences:",
      differencesOf(cuma, others, settings),
    );
    if (seeds.length === 1) continue;
    const trained = entries.filter((entry) => entry.name !== "base");
    parts.push(
      `By seed of training, least to largest of ${seeds.length}:`,
      markdown(
        ["", ...SEED_METRICS],
        trained.map((entry) => [
          entry.name,
          ...SEED_METRICS.map((metric) => range(values.get(entry.name)!.get(metric)!)),
        ]),
      ),
      BY_SEED,
      differenceTable(
        values,
        "cuma",
        trained.filter((entry) => entry !== cuma),
        SEED_METRICS,
      ),
    );
  }
  return parts.join("\n\n");
}

function only(table: PredictionTable, name: SurveyName, subset: string): PredictionTable {
  const isOut = (row: number): boolean => isHeldOut(surveys[name].holdOut, table.row(row).profile);
  const rows = Array.from({ length: table.rows }, (_, row) => row);
  return selectRows(
    table,
    rows.filter((row) => isOut(row) === (subset === "held out")),
  );
}
