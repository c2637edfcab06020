import { gather, ONCE, totals, type Statistics } from "../bootstrap.ts";
import type { PredictionTable } from "../predictions.ts";
import { argmax, hasTruth, NO_ANSWER, reasons, type Groups, type MetricInput, type Prepared } from "./metric.ts";

/**
 * Sums by (question, group). The cell of a question with K options has its sums from `offset` on:
 * [true 0..K) [predicted 0..K) [argmax 0..K) [weight of sampled rows] [their squared weights].
 * A row adds weight x target, or its weight at its answer, to the true sums; only the latter are sampled. The last two
 * are not kept where they can be told from the others: where no row has a target, where every weight is 1.
 */
export interface Cells {
  readonly statistics: Statistics;
  readonly sums: Float64Array;
  /** By question; rows without a group have a cell of group -1, which only pooled metrics look at. */
  readonly questions: readonly QuestionCells[];
  /** Rows with a target or an answer. */
  readonly n: number;
  /** Those of them that have a group. */
  readonly grouped: number;
  readonly excluded: Readonly<Record<string, number>>;
  readonly missing: string;
}

export interface QuestionCells {
  readonly options: number;
  readonly ordered: boolean;
  /** Place in a cell of the weight of sampled rows; -1: all rows are. */
  readonly sampled: number;
  /** Place in a cell of their squared weights; -1: every weight is 1. */
  readonly squares: number;
  readonly cells: readonly { readonly group: number; readonly offset: number }[];
}

export function makeCells(input: Pick<MetricInput, "table" | "clusters" | "groups">): Cells {
  const { table, clusters, groups } = input;
  const allSampled = !table.hasTarget.includes(1);
  const unweighted = table.weight.every((weight) => weight === 1);
  const { cellOfRow, questions, size } = layOut(table, groups, allSampled, unweighted);
  let n = 0;
  let grouped = 0;
  const statistics = gather(clusters, size, (row, add) => {
    const offset = cellOfRow[row]!;
    if (offset < 0) return;
    n++;
    if (groups.codes[row]! >= 0) grouped++;
    const weight = table.weight[row]!;
    const from = table.offsets[row]!;
    const options = table.offsets[row + 1]! - from;
    if (table.hasTarget[row] === 1) {
      for (let k = 0; k < options; k++) add(offset + k, weight * table.targets[from + k]!);
    } else {
      add(offset + table.answer[row]!, weight);
      const { sampled, squares } = questions[table.question[row]!]!;
      if (sampled >= 0) add(offset + sampled, weight);
      if (squares >= 0) add(offset + squares, weight * weight);
    }
    for (let k = 0; k < options; k++) add(offset + options + k, weight * table.probabilities[from + k]!);
    add(offset + 2 * options + argmax(table, row), weight);
  });
  const excluded = reasons({ [`${NO_ANSWER} and no target`]: table.rows - n });
  return { statistics, sums: totals(statistics), questions, n, grouped, excluded, missing: groups.missing };
}

function layOut(
  table: PredictionTable,
  groups: Groups,
  allSampled: boolean,
  unweighted: boolean,
): { cellOfRow: Float64Array; questions: QuestionCells[]; size: number } {
  const stride = groups.names.length + 1;
  const offsets = new Map<number, number>();
  for (let row = 0; row < table.rows; row++) {
    if (hasTruth(table, row)) {
      offsets.set(table.question[row]! * stride + groups.codes[row]! + 1, -1);
    }
  }
  const questions = table.questions.map(({ options: { length: options }, ordered }) => {
    const [sampled, squares] = [allSampled ? 0 : 1, unweighted ? 0 : 1];
    return {
      options,
      ordered,
      sampled: sampled ? 3 * options : -1,
      squares: squares ? 3 * options + sampled : -1,
      width: 3 * options + sampled + squares,
      cells: [] as { group: number; offset: number }[],
    };
  });
  let size = 0;
  for (const key of [...offsets.keys()].sort((a, b) => (a % stride) - (b % stride) || a - b)) {
    const question = questions[Math.floor(key / stride)]!;
    offsets.set(key, size);
    question.cells.push({ group: (key % stride) - 1, offset: size });
    size += question.width;
  }
  const cellOfRow = Float64Array.from({ length: table.rows }, (_, row) =>
    hasTruth(table, row) ? offsets.get(table.question[row]! * stride + groups.codes[row]! + 1)! : -1,
  );
  return { cellOfRow, questions, size };
}

/** Weight of a cell's sampled rows. */
export function sampledWeight({ options, sampled }: QuestionCells, offset: number, sums: Float64Array): number {
  if (sampled >= 0) return sums[offset + sampled]!;
  let weight = 0;
  for (let k = 0; k < options; k++) weight += sums[offset + k]!;
  return weight;
}

/** Squared weights of a cell's sampled rows. */
export function sampledSquares(question: QuestionCells, offset: number, sums: Float64Array): number {
  return question.squares >= 0 ? sums[offset + question.squares]! : sampledWeight(question, offset, sums);
}

/**
 * A metric that adds up over questions: `perQuestion` adds a question's terms to `out` [width], and `finish` makes the
 * value of their sums. Where clusters are questions, the terms themselves are resampled: a question drawn twice counts
 * twice, while its sums over people stay what they are.
 * @param pooled Whether it ignores groups.
 */
export function overQuestions<T = number>(
  input: Pick<MetricInput, "cells" | "questionClusters">,
  width: number,
  pooled: boolean,
  perQuestion: (question: QuestionCells, sums: Float64Array, out: Float64Array, resampled: boolean) => void,
  finish: (terms: Float64Array) => T,
): Prepared<T> {
  const cells = input.cells();
  const excluded = pooled ? cells.excluded : reasons({ ...cells.excluded, [cells.missing]: cells.n - cells.grouped });
  const n = pooled ? cells.n : cells.grouped;
  if (!input.questionClusters) {
    const terms = new Float64Array(width);
    const compute = (sums: Float64Array, draw: number): T => {
      terms.fill(0);
      for (const question of cells.questions) perQuestion(question, sums, terms, draw !== ONCE);
      return finish(terms);
    };
    return { statistics: cells.statistics, compute, n, excluded };
  }
  const one = { count: cells.questions.length, ...eachAlone(cells.questions.length) };
  const statistics = gather(one, width, (q, add) => {
    const terms = new Float64Array(width);
    perQuestion(cells.questions[q]!, cells.sums, terms, false);
    for (const [i, term] of terms.entries()) add(i, term);
  });
  return { statistics, compute: finish, n, excluded };
}

function eachAlone(count: number): { starts: Int32Array; rows: Int32Array } {
  return {
    starts: Int32Array.from({ length: count + 1 }, (_, i) => i),
    rows: Int32Array.from({ length: count }, (_, i) => i),
  };
}

/** Which sums of a cell: true, predicted, or argmax. */
export const TRUE = 0;
export const PREDICTED = 1;
export const ARGMAX = 2;

/** A question's distribution over all its rows, groups ignored; false (and nothing written) where it has none. */
export function pooledDistribution(
  question: QuestionCells,
  sums: Float64Array,
  part: number,
  out: Float64Array,
): boolean {
  out.fill(0, 0, question.options);
  for (const { offset } of question.cells) {
    for (let k = 0; k < question.options; k++) out[k]! += sums[offset + part * question.options + k]!;
  }
  return normalise(out, question.options);
}

/** A cell's distribution; false where the cell is empty. */
export function cellDistribution(
  question: QuestionCells,
  offset: number,
  sums: Float64Array,
  part: number,
  out: Float64Array,
): boolean {
  for (let k = 0; k < question.options; k++) out[k] = sums[offset + part * question.options + k]!;
  return normalise(out, question.options);
}

function normalise(values: Float64Array, length: number): boolean {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += values[k]!;
  if (!(sum > 0)) return false;
  for (let k = 0; k < length; k++) values[k]! /= sum;
  return true;
}

/** Largest number of options of any question. */
export function mostOptions(questions: readonly QuestionCells[]): number {
  return questions.reduce((most, { options }) => Math.max(most, options), 0);
}

/**
 * Mean of `distance(true, predicted)` over all (question, group) that have rows and a distance that is not NaN.
 * @param undefinedCells What is said of the other cells, where there can be any.
 */
export function meanOverCells(
  input: MetricInput,
  distance: (p: Float64Array, q: Float64Array, options: number, ordered: boolean) => number,
  undefinedCells?: string,
): Prepared {
  const { questions, sums: all } = input.cells();
  const most = mostOptions(questions);
  const p = new Float64Array(most);
  const q = new Float64Array(most);
  /** Sum of distances, number of cells with one, number of cells without. */
  const add = (question: QuestionCells, sums: Float64Array, out: Float64Array): void => {
    for (const { group, offset } of question.cells) {
      if (group < 0) continue;
      if (!cellDistribution(question, offset, sums, TRUE, p)) continue;
      if (!cellDistribution(question, offset, sums, PREDICTED, q)) continue;
      const found = distance(p, q, question.options, question.ordered);
      if (Number.isNaN(found)) out[2]! += 1;
      else {
        out[0]! += found;
        out[1]! += 1;
      }
    }
  };
  const prepared = overQuestions(input, 3, false, add, ([sum, cells]) => (cells! > 0 ? sum! / cells! : NaN));
  if (undefinedCells === undefined) return prepared;
  const terms = new Float64Array(3);
  for (const question of questions) add(question, all, terms);
  return { ...prepared, excluded: { ...prepared.excluded, ...reasons({ [undefinedCells]: terms[2]! }) } };
}
