import { gather, totals, type Statistics } from "../bootstrap.ts";
import type { PredictionTable } from "../predictions.ts";
import { argmax, hasTruth, NO_ANSWER, reasons, type Groups, type MetricInput, type Prepared } from "./metric.ts";

/**
 * Sums by (question, group). The cell of a question with K options has its sums from `offset` on:
 * [true 0..K) [predicted 0..K) [argmax 0..K) [weight of sampled rows] [their squared weights].
 * A row adds weight x target, or its weight at its answer, to the true sums; only the latter are sampled.
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
  readonly cells: readonly { readonly group: number; readonly offset: number }[];
}

export function makeCells(input: Pick<MetricInput, "table" | "clusters" | "groups">): Cells {
  const { table, clusters, groups } = input;
  const { cellOfRow, questions, size } = layOut(table, groups);
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
      add(offset + 3 * options, weight);
      add(offset + 3 * options + 1, weight * weight);
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
): { cellOfRow: Float64Array; questions: QuestionCells[]; size: number } {
  const stride = groups.names.length + 1;
  const offsets = new Map<number, number>();
  for (let row = 0; row < table.rows; row++) {
    if (hasTruth(table, row)) {
      offsets.set(table.question[row]! * stride + groups.codes[row]! + 1, -1);
    }
  }
  const questions = table.questions.map(({ options, ordered }) => ({
    options: options.length,
    ordered,
    cells: [] as { group: number; offset: number }[],
  }));
  let size = 0;
  for (const key of [...offsets.keys()].sort((a, b) => (a % stride) - (b % stride) || a - b)) {
    const question = questions[Math.floor(key / stride)]!;
    offsets.set(key, size);
    question.cells.push({ group: (key % stride) - 1, offset: size });
    size += 3 * question.options + 2;
  }
  const cellOfRow = Float64Array.from({ length: table.rows }, (_, row) =>
    hasTruth(table, row) ? offsets.get(table.question[row]! * stride + groups.codes[row]! + 1)! : -1,
  );
  return { cellOfRow, questions, size };
}

/**
 * A metric that adds up over questions: `perQuestion` adds a question's terms to `out` [width], and `finish` makes the
 * value of their sums. Where clusters are questions, the terms themselves are resampled: a question drawn twice counts
 * twice, while its sums over people stay what they are.
 * @param pooled Whether it ignores groups.
 */
export function overQuestions(
  input: MetricInput,
  width: number,
  pooled: boolean,
  perQuestion: (question: QuestionCells, sums: Float64Array, out: Float64Array, resampled: boolean) => void,
  finish: (terms: Float64Array) => number,
): Prepared {
  const cells = input.cells();
  const excluded = pooled ? cells.excluded : reasons({ ...cells.excluded, [cells.missing]: cells.n - cells.grouped });
  const n = pooled ? cells.n : cells.grouped;
  if (!input.questionClusters) {
    const terms = new Float64Array(width);
    const compute = (sums: Float64Array, resampled: boolean): number => {
      terms.fill(0);
      for (const question of cells.questions) perQuestion(question, sums, terms, resampled);
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

/** Mean of `distance(true, predicted)` over all (question, group) that have rows. */
export function meanOverCells(
  input: MetricInput,
  distance: (p: Float64Array, q: Float64Array, options: number, ordered: boolean) => number,
): Prepared {
  const most = mostOptions(input.cells().questions);
  const p = new Float64Array(most);
  const q = new Float64Array(most);
  return overQuestions(
    input,
    2,
    false,
    (question, sums, out) => {
      for (const { group, offset } of question.cells) {
        if (group < 0) continue;
        if (!cellDistribution(question, offset, sums, TRUE, p)) continue;
        if (!cellDistribution(question, offset, sums, PREDICTED, q)) continue;
        out[0]! += distance(p, q, question.options, question.ordered);
        out[1]! += 1;
      }
    },
    (terms) => (terms[1]! > 0 ? terms[0]! / terms[1]! : NaN),
  );
}
