import { join } from "node:path";
import { isHeldOut } from "../../datasets/index.ts";
import { readPredictions, selectRows, type PredictionTable } from "../../eval/index.ts";
import { surveys, type SurveyName, type SurveyRun } from "./surveys.ts";
import { differencesOf, metricsOf, type Entry, type Settings } from "./tables.ts";

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

/** Tables of a survey, groups seen in training and groups held out. */
export async function surveyTables(name: SurveyName, runs: readonly SurveyRun[]): Promise<string> {
  const settings = SETTINGS[name];
  const parts: string[] = [];
  for (const subset of ["seen", "held out"] as const) {
    const entries: Entry[] = [];
    for (const { method, lr, folder } of runs) {
      const { table } = await readPredictions(join(folder, "test", "predictions.parquet"));
      entries.push({ name: method, table: only(table, name, subset), more: [lr === null ? "" : String(lr)] });
    }
    const rows = entries[0]!.table.rows.toLocaleString("en-US");
    parts.push(
      `### ${subset === "seen" ? "Groups seen in training" : "Groups held out"}, ${rows} test rows`,
      metricsOf(entries, ["rate"], settings),
      "Paired differences:",
      differencesOf(
        entries.find((entry) => entry.name === "cuma")!,
        entries.filter((entry) => entry.name !== "cuma"),
        settings,
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
