import { listFolder } from "../core/io/index.ts";
import { RESULTS_FILE } from "./files/results.ts";

export const PARTIAL_FILE = "partial.jsonl";

/** The output folder of an evaluation, as `OutFolder` takes it. @param tables Names of the files beside the results. */
export function evaluationFolder(tables: readonly string[]) {
  const names = [RESULTS_FILE, PARTIAL_FILE, ...tables];
  return { ours: (folder: string) => listFolder(folder).filter((name) => names.includes(name)), last: RESULTS_FILE };
}
