import { gather, ONCE, totals, type Statistics } from "../../src/core/stats/index.ts";
import type { PredictionTable } from "../predictions/predictionTable.ts";
import { reasons, type Prepared } from "./result.ts";
import { argmax, hasTruth, NO_ANSWER, type ClusteredRows, type Groups } from "./rows.ts";

/**
 * Sums by (question, group). The cell of a question with K options has its sums from `offset` on:
 * [true 0..K) [predicted 0..K) [argmax 0..K) [weight of sampled rows] [their squared weights].
 * A row adds weight x target, or its weight at its answer, to the true sums; only the latter are sampled. The last two
 * are not kept where they can be told from the others: where no row has a target, where every weight is 1.
 */
export interface Cells {
  readonly statistics: Statistics;
  readonly sums: Float64Array;
  /** What sums make, the same for all metrics that look at the same draw. */
  readonly distributions: Distributions;
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
  readonly cells: readonly Cell[];
  /** Among the questions. */
  readonly index: number;
}

export interface Cell {
  readonly group: number;
  /** Of its sums. */
  readonly offset: number;
  /** Among the cells of all questions, question after question. */
  readonly index: number;
  /** Where its distributions begin among those of all cells. */
  readonly place: number;
}

/** What a metric of cells is computed from. */
export interface OfCells {
  /** Whether clusters are questions, drawn whole. */
  readonly questionClusters: boolean;
  /** Sums by question, group and option; made once for all metrics that need them. */
  cells(): Cells;
}

export function makeCells({ table, clusters, groups }: ClusteredRows): Cells {
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
  const distributions = new Distributions(questions);
  return {
    statistics,
    sums: totals(statistics),
    distributions,
    questions,
    n,
    grouped,
    excluded,
    missing: groups.missing,
  };
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
  const laidOut = table.questions.map(({ options: { length: options }, ordered }) => {
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
    const question = laidOut[Math.floor(key / stride)]!;
    offsets.set(key, size);
    question.cells.push({ group: (key % stride) - 1, offset: size });
    size += question.width;
  }
  const cellOfRow = Float64Array.from({ length: table.rows }, (_, row) =>
    hasTruth(table, row) ? offsets.get(table.question[row]! * stride + groups.codes[row]! + 1)! : -1,
  );
  let index = 0;
  let place = 0;
  const questions = laidOut.map(({ options, ordered, sampled, squares, cells }, q): QuestionCells => ({
    options,
    ordered,
    sampled,
    squares,
    index: q,
    cells: cells.map(({ group, offset }) => ({ group, offset, index: index++, place: (place += options) - options })),
  }));
  return { cellOfRow, questions, size };
}

/** Number of equally weighted answers that are worth what a cell has; Infinity where its distribution is known. */
const equalAnswers = (weight: number, squares: number): number => (weight > 0 ? weight ** 2 / squares : Infinity);

/**
 * The distributions that sums make. They are worked out once for all metrics that look at the same sums, in the order in
 * which the sums stand in memory, and lie in the order in which metrics go through them.
 */
export class Distributions {
  /** Of all cells, one after another: a share for each option. */
  readonly truth: Float64Array;
  /** As `truth`. */
  readonly predicted: Float64Array;
  /** [cells] 1: it has a group and both distributions; only then there are any. */
  readonly defined: Uint8Array;
  /** [cells] Weight of rows. */
  readonly weight: Float64Array;
  /** [cells] Weight of sampled rows. */
  readonly sampled: Float64Array;
  /** [cells] See `equalAnswers`. */
  readonly answers: Float64Array;
  /** By TRUE, PREDICTED, ARGMAX and question: over all its rows, groups ignored. */
  readonly pooled: readonly (readonly Float64Array[])[];
  /** By TRUE, PREDICTED, ARGMAX: [questions] 1: it has a pooled distribution. */
  readonly pooledDefined: readonly Uint8Array[];
  private readonly inMemory: readonly { readonly question: QuestionCells; readonly cell: Cell }[];
  private sums: Float64Array | undefined;
  private draw: number | undefined;

  constructor(questions: readonly QuestionCells[]) {
    this.inMemory = questions
      .flatMap((question) => question.cells.map((cell) => ({ question, cell })))
      .sort((a, b) => a.cell.offset - b.cell.offset);
    const cells = this.inMemory.length;
    const shares = questions.reduce((sum, question) => sum + question.cells.length * question.options, 0);
    this.truth = new Float64Array(shares);
    this.predicted = new Float64Array(shares);
    this.defined = new Uint8Array(cells);
    this.weight = new Float64Array(cells);
    this.sampled = new Float64Array(cells);
    this.answers = new Float64Array(cells);
    const parts = [TRUE, PREDICTED, ARGMAX];
    this.pooled = parts.map(() => questions.map(({ options }) => new Float64Array(options)));
    this.pooledDefined = parts.map(() => new Uint8Array(questions.length));
  }

  /** Makes them those of `sums`. @param draw See `Prepared`. */
  update(sums: Float64Array, draw: number): void {
    if (sums === this.sums && draw === this.draw) return;
    this.sums = sums;
    this.draw = draw;
    for (const part of this.pooled) for (const distribution of part) distribution.fill(0);
    for (const { question, cell } of this.inMemory) this.addCell(question, cell, sums);
    for (const [part, distributions] of this.pooled.entries()) {
      for (const [q, distribution] of distributions.entries()) {
        this.pooledDefined[part]![q] = share(distribution, 0, distribution.length, distribution, 0) > 0 ? 1 : 0;
      }
    }
  }

  private addCell(question: QuestionCells, { group, offset, index, place }: Cell, sums: Float64Array): void {
    const { options } = question;
    const truth = this.pooled[TRUE]![question.index]!;
    const predicted = this.pooled[PREDICTED]![question.index]!;
    const argmaxes = this.pooled[ARGMAX]![question.index]!;
    for (let k = 0; k < options; k++) {
      truth[k]! += sums[offset + k]!;
      predicted[k]! += sums[offset + options + k]!;
      argmaxes[k]! += sums[offset + 2 * options + k]!;
    }
    if (group < 0) return;
    const weight = share(sums, offset, options, this.truth, place);
    const predictedWeight = share(sums, offset + options, options, this.predicted, place);
    this.defined[index] = weight > 0 && predictedWeight > 0 ? 1 : 0;
    this.weight[index] = weight;
    const sampled = question.sampled >= 0 ? sums[offset + question.sampled]! : weight;
    this.sampled[index] = sampled;
    this.answers[index] = equalAnswers(sampled, question.squares >= 0 ? sums[offset + question.squares]! : sampled);
  }
}

/**
 * A metric that adds up over questions: `perQuestion` adds a question's terms to `out` [width], and `finish` makes the
 * value of their sums. Where clusters are questions, the terms themselves are resampled: a question drawn twice counts
 * twice, while its sums over people stay what they are.
 * @param pooled Whether it ignores groups.
 */
export function overQuestions<T = number>(
  input: OfCells,
  width: number,
  pooled: boolean,
  perQuestion: (question: QuestionCells, of: Distributions, out: Float64Array, resampled: boolean) => void,
  finish: (terms: Float64Array) => T,
): Prepared<T> {
  const cells = input.cells();
  const { distributions } = cells;
  const excluded = pooled ? cells.excluded : reasons({ ...cells.excluded, [cells.missing]: cells.n - cells.grouped });
  const n = pooled ? cells.n : cells.grouped;
  if (!input.questionClusters) {
    const terms = new Float64Array(width);
    const compute = (sums: Float64Array, draw: number): T => {
      distributions.update(sums, draw);
      terms.fill(0);
      for (const question of cells.questions) perQuestion(question, distributions, terms, draw !== ONCE);
      return finish(terms);
    };
    return { statistics: cells.statistics, compute, n, excluded };
  }
  distributions.update(cells.sums, ONCE);
  const one = { count: cells.questions.length, ...eachAlone(cells.questions.length) };
  const statistics = gather(one, width, (q, add) => {
    const terms = new Float64Array(width);
    perQuestion(cells.questions[q]!, distributions, terms, false);
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

/** Writes values divided by their sum, where that is more than 0, and returns it. */
function share(values: Float64Array, from: number, length: number, out: Float64Array, place: number): number {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += values[from + k]!;
  if (sum > 0) for (let k = 0; k < length; k++) out[place + k] = values[from + k]! / sum;
  return sum;
}

/** Largest number of options of any question. */
export function mostOptions(questions: readonly QuestionCells[]): number {
  return questions.reduce((most, { options }) => Math.max(most, options), 0);
}

/**
 * Mean of `distance(true, predicted)` over all (question, group) that have rows and a distance that is not NaN. The two
 * distributions are the `options` entries from `from` on.
 * @param undefinedCells What is said of the other cells, where there can be any.
 */
export function meanOverCells(
  input: OfCells,
  distance: (p: Float64Array, q: Float64Array, options: number, ordered: boolean, from: number) => number,
  undefinedCells?: string,
): Prepared {
  const { questions, distributions, sums } = input.cells();
  /** Sum of distances, number of cells with one, number of cells without. */
  const add = (question: QuestionCells, of: Distributions, out: Float64Array): void => {
    for (const { index, place } of question.cells) {
      if (of.defined[index] === 0) continue;
      const found = distance(of.truth, of.predicted, question.options, question.ordered, place);
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
  distributions.update(sums, ONCE);
  for (const question of questions) add(question, distributions, terms);
  return { ...prepared, excluded: { ...prepared.excluded, ...reasons({ [undefinedCells]: terms[2]! }) } };
}
