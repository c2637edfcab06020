import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { PREDICTIONS_FILE, readPredictions, type PredictionTable } from "../../../eval/index.ts";
import { fileError } from "../../core/io/index.ts";
import { CumaError } from "../../core/util/index.ts";
import { readResults, RESULTS_FILE, type Results } from "./results.ts";

/** What an evaluation has left, or a predictions file alone. */
export interface StoredEvaluation {
  readonly results: Results | null;
  /** The predictions file; null where a published file was scored, which leaves results only. */
  readonly predictions: string | null;
  readonly table: PredictionTable | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** @throws CumaError naming the file and what is wrong with it. */
export async function readEvaluation(path: string): Promise<StoredEvaluation> {
  if (!isFolder(path)) return { results: null, predictions: path, ...(await readPredictions(path)) };
  if (!existsSync(join(path, RESULTS_FILE))) {
    throw new CumaError(`${path}: expected ${RESULTS_FILE}, as "cuma eval --out" writes it, or a predictions file`);
  }
  const results = readResults(path);
  const predictions = join(path, PREDICTIONS_FILE);
  if (!existsSync(predictions)) return { results, predictions: null, table: null, metadata: {} };
  return { results, predictions, ...(await readPredictions(predictions)) };
}

/** The files that an evaluation may be read from: its own, or those of its folder. */
export function evaluationFiles(path: string): string[] {
  return isFolder(path) ? [RESULTS_FILE, PREDICTIONS_FILE].map((name) => join(path, name)) : [path];
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw fileError(path, "cannot be read", error);
  }
}
