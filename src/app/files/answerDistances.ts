import { emd, readPredictions, type PredictionTable } from "../../../eval/index.ts";
import { groupLabel } from "../../core/text/group.ts";
import { CumaError, excerpt } from "../../core/util/index.ts";
import { checkAttributes } from "../model/profileVectors.ts";

/** Distances between the true answers of groups. M groups have answers. */
export interface AnswerDistances {
  /** The groups that have answers [M]. */
  readonly members: readonly number[];
  /** [M][M] */
  readonly distances: readonly (readonly number[])[];
  /** Questions that two groups or more answered. */
  readonly questions: number;
  readonly excluded: Readonly<Record<string, number>>;
}

/**
 * Distances between groups in a predictions table: the mean over their common questions of the EMD (total variation where
 * options are no scale) between their true distributions, the weighted means of targets, or histograms of answers.
 * Groups of few answers lie too far apart from all others, as their distributions carry sampling noise.
 * @throws CumaError naming the file, where fewer than three groups have answers or two of them share no question.
 */
export async function answerDistances(
  path: string,
  by: readonly string[],
  groups: readonly string[],
): Promise<AnswerDistances> {
  const { table } = await readPredictions(path);
  checkAttributes(`${path}: by`, by, [...table.attributes.keys()]);
  const { truths, excluded } = trueDistributions(table, by, groups);
  const members = groups.map((_, g) => g).filter((g) => truths[g]!.size > 0);
  if (members.length < 3) {
    throw new CumaError(`${path}: expected answers of 3 groups or more, found those of ${members.length}`);
  }
  const common = new Set<number>();
  const distances = members.map(() => new Array<number>(members.length).fill(0));
  for (const [i, a] of members.entries()) {
    for (const [j, b] of members.slice(0, i).entries()) {
      let sum = 0;
      let shared = 0;
      for (const [question, p] of truths[a]!) {
        const q = truths[b]!.get(question);
        if (!q) continue;
        sum += emd(p, q, p.length, table.questions[question]!.ordered);
        shared++;
        common.add(question);
      }
      if (shared === 0) {
        throw new CumaError(
          `${path}: expected a question that both ${excerpt(groups[b]!)} and ${excerpt(groups[a]!)} answered, found none`,
        );
      }
      distances[i]![j] = distances[j]![i] = sum / shared;
    }
  }
  const without = groups.length - members.length;
  return {
    members,
    distances,
    questions: common.size,
    excluded: { ...excluded, "groups without answers": without },
  };
}

/** By group: the true distribution of each question that it answered. */
function trueDistributions(
  table: PredictionTable,
  by: readonly string[],
  groups: readonly string[],
): { truths: Map<number, Float64Array>[]; excluded: Record<string, number> } {
  const groupOf = new Map(groups.map((name, g) => [name, g]));
  const columns = by.map((name) => table.attributes.get(name)!);
  const sums = groups.map(() => new Map<number, Float64Array>());
  let noGroup = 0;
  let noTruth = 0;
  for (let row = 0; row < table.rows; row++) {
    const values = columns.flatMap(({ codes, values }) => (codes[row]! < 0 ? [] : [values[codes[row]!]!]));
    const g = values.length === by.length ? groupOf.get(groupLabel(values)) : undefined;
    const from = table.offsets[row]!;
    const options = table.offsets[row + 1]! - from;
    if (g === undefined) noGroup++;
    else if (table.hasTarget[row] !== 1 && table.answer[row]! < 0) noTruth++;
    else {
      const question = table.question[row]!;
      let sum = sums[g]!.get(question);
      if (!sum) sums[g]!.set(question, (sum = new Float64Array(options)));
      const weight = table.weight[row]!;
      if (table.hasTarget[row] === 1) for (let k = 0; k < options; k++) sum[k]! += weight * table.targets[from + k]!;
      else sum[table.answer[row]!]! += weight;
    }
  }
  const truths = sums.map((ofQuestion) => {
    const known = new Map<number, Float64Array>();
    for (const [question, sum] of ofQuestion) {
      const total = sum.reduce((a, b) => a + b, 0);
      if (total > 0)
        known.set(
          question,
          sum.map((value) => value / total),
        );
    }
    return known;
  });
  return { truths, excluded: { "answers of no group": noGroup, "answers that are not known": noTruth } };
}
