import { gather, type Clusters, type Statistics } from "../../src/core/stats/index.ts";
import type { PredictionTable } from "../predictions/predictionTable.ts";
import { reasons } from "./result.ts";

/** Groups of rows: [rows] codes into `names`, -1 for rows that lack an attribute. */
export interface Groups {
  readonly codes: Int32Array;
  /** See `groupKey`. */
  readonly names: readonly string[];
  /** What rows of code -1 lack, such as "no country". */
  readonly missing: string;
}

/** Rows of predictions with what is drawn together and what is told apart. */
export interface ClusteredRows {
  readonly table: PredictionTable;
  readonly clusters: Clusters;
  readonly groups: Groups;
}

export const NO_ANSWER = "no answer";

/**
 * Statistics over the rows that have an answer: `each` adds what a row gives to the cells.
 * @param groups Where given, rows without a group are left out too.
 */
export function answered(
  { table: { answer }, clusters }: Pick<ClusteredRows, "table" | "clusters">,
  size: number,
  each: (row: number, add: (cell: number, value: number) => void) => void,
  groups?: Groups,
): { statistics: Statistics; n: number; excluded: Record<string, number> } {
  let n = 0;
  let noAnswer = 0;
  let noGroup = 0;
  const statistics = gather(clusters, size, (row, add) => {
    if (answer[row]! < 0) noAnswer++;
    else if (groups && groups.codes[row]! < 0) noGroup++;
    else {
      n++;
      each(row, add);
    }
  });
  const excluded = reasons({ [NO_ANSWER]: noAnswer, ...(groups ? { [groups.missing]: noGroup } : {}) });
  return { statistics, n, excluded };
}

/** Whether a row has a target or an answer. */
export function hasTruth(table: PredictionTable, row: number): boolean {
  return table.hasTarget[row] === 1 || table.answer[row]! >= 0;
}

/** Index of the most probable option of a row, the first of equal ones. */
export function argmax(table: PredictionTable, row: number): number {
  const from = table.offsets[row]!;
  const to = table.offsets[row + 1]!;
  let best = from;
  for (let i = from + 1; i < to; i++) if (table.probabilities[i]! > table.probabilities[best]!) best = i;
  return best - from;
}
