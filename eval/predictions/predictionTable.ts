import type { Profile } from "../../src/core/text/index.ts";
import { CumaError, excerpt, show } from "../../src/core/util/index.ts";
import { Growing } from "../../src/core/util/growing.ts";

/** One prediction: what a model gives for one example, beside what is true of it. */
export interface PredictionRow {
  /** Unique within the table. */
  readonly exampleId: string;
  readonly questionId: string;
  /** Who answered; null where the row is a group's distribution. */
  readonly participantId: string | null;
  readonly profile: Profile;
  /** The same list in every row of a question. */
  readonly options: readonly string[];
  /** Whether the options are levels of one scale; the same in every row of a question. */
  readonly ordered: boolean;
  /** Index of the person's option; null where it is not known. */
  readonly answer: number | null;
  /** True distribution over the options; null where only one answer is known. */
  readonly target: readonly number[] | null;
  /** The model's distribution over the options. */
  readonly probabilities: readonly number[];
  /** Weight in averages: 0, or from 1e-100 to 1e100. */
  readonly weight: number;
}

/** What every row of one question shares. */
export interface Question {
  readonly id: string;
  readonly options: readonly string[];
  readonly ordered: boolean;
}

/** A text column as codes into its distinct values; -1 where there is none. */
export interface TextColumn {
  readonly codes: Int32Array;
  readonly values: readonly string[];
}

/**
 * Predictions by column, for millions of rows. Made by `PredictionTableBuilder`, which holds every row to its rules.
 *
 * The K options of row i have the probabilities `probabilities[offsets[i] .. offsets[i+1]]` and, where
 * `hasTarget[i]` is 1, the target at the same places of `targets`.
 */
export interface PredictionTable {
  readonly rows: number;
  readonly exampleIds: readonly string[];
  /** [rows] index into `questions`. */
  readonly question: Int32Array;
  readonly questions: readonly Question[];
  readonly participant: TextColumn;
  /** By attribute, in the order in which rows named them. */
  readonly attributes: ReadonlyMap<string, TextColumn>;
  /** [rows] index of the person's option, -1 where it is not known. */
  readonly answer: Int32Array;
  /** [rows + 1] */
  readonly offsets: Float64Array;
  readonly probabilities: Float64Array;
  /** As long as `probabilities`; empty where no row has a target. */
  readonly targets: Float64Array;
  readonly hasTarget: Uint8Array;
  readonly weight: Float64Array;
  row(index: number): PredictionRow;
}

/** No question has more; some numbers grow with the square of theirs. */
const MAX_OPTIONS = 1000;

/** How far from 1 a distribution may sum: numbers that were rounded to a few decimals are scaled to 1. */
const SUM_TOLERANCE = 1e-3;
/** The weights, beside 0, whose sums and squares are numbers, however many rows there are. */
const WEIGHTS = [1e-100, 1e100] as const;
/** As many as a set of ids can hold. */
const MOST_ROWS = 2 ** 24;
/** Sums as near to 1 as this are left as they are. */
const EXACT = 1e-6;

/**
 * Collects rows into a table and checks each.
 * @param source Named in errors, such as the file that the rows come from.
 */
export class PredictionTableBuilder {
  private readonly source: string;
  private readonly exampleIds: string[] = [];
  private readonly seen = new Set<string>();
  private readonly questions: Question[] = [];
  private readonly questionCodes = new Map<string, number>();
  private readonly question = new Growing(Int32Array);
  private readonly participant = new TextColumnBuilder();
  private readonly attributes = new Map<string, TextColumnBuilder>();
  private readonly answer = new Growing(Int32Array);
  private readonly offsets = new Growing(Float64Array);
  private readonly probabilities = new Growing(Float64Array);
  private readonly targets = new Growing(Float64Array);
  private readonly hasTarget = new Growing(Uint8Array);
  private readonly weight = new Growing(Float64Array);

  constructor(source = "predictions") {
    this.source = source;
    this.offsets.push(0);
  }

  /**
   * Probabilities and the target are scaled to a sum of 1 where they were rounded (see `distributionOf`).
   * @throws CumaError naming the source and the row (from 1) where probabilities or the target are no distribution
   * over the options, the answer is no option, the weight is negative or out of range, the example came before, options are fewer than
   * two or not different, or the question came with other options.
   */
  add(row: PredictionRow): void {
    const number = this.exampleIds.length + 1;
    const fail = (what: string): never => {
      throw new CumaError(`${this.source}: row ${number} (example "${excerpt(row.exampleId)}"): ${what}`);
    };
    if (number > MOST_ROWS) fail(`expected at most ${MOST_ROWS} rows; score parts of the table`);
    if (this.seen.has(row.exampleId)) fail("an earlier row has the same example id; expected each example once");
    const { exampleId, questionId, participantId, options, answer, weight } = row;
    const profile = Object.entries(row.profile);
    checkText("exampleId", exampleId, fail);
    checkText("questionId", questionId, fail);
    checkText("participantId", participantId, fail);
    for (const [name, text] of profile) checkText(name, text, fail);
    if (options.length < 2) fail(`expected 2 options or more, found ${options.length}`);
    if (options.length > MAX_OPTIONS) fail(`expected at most ${MAX_OPTIONS} options, found ${options.length}`);
    const probabilities = distributionOf("probabilities", row.probabilities, options.length, fail);
    const target = row.target && distributionOf("target", row.target, options.length, fail);
    if (answer !== null && !(Number.isInteger(answer) && answer >= 0 && answer < options.length)) {
      fail(`answer: expected null or an option's index from 0 to ${options.length - 1}, found ${answer}`);
    }
    const [least, most] = WEIGHTS;
    if (!(weight === 0 || (weight >= least && weight <= most))) {
      fail(`weight: expected 0 or a number from ${least} to ${most}, found ${weight}`);
    }
    const question = this.questionOf(row, fail);

    this.seen.add(row.exampleId);
    this.exampleIds.push(row.exampleId);
    this.question.push(question);
    this.participant.set(number - 1, row.participantId);
    for (const [name, value] of profile) {
      let column = this.attributes.get(name);
      if (!column) this.attributes.set(name, (column = new TextColumnBuilder()));
      column.set(number - 1, value);
    }
    this.answer.push(answer ?? -1);
    for (const p of probabilities) this.probabilities.push(p);
    this.hasTarget.push(target ? 1 : 0);
    if (target) {
      this.targets.padTo(this.offsets.last());
      for (const p of target) this.targets.push(p);
    }
    this.offsets.push(this.probabilities.length);
    this.weight.push(weight);
  }

  /** The table of the rows so far. */
  build(): PredictionTable {
    const rows = this.exampleIds.length;
    if (this.targets.length > 0) this.targets.padTo(this.probabilities.length);
    return tableOf({
      rows,
      exampleIds: this.exampleIds,
      question: this.question.done(),
      questions: this.questions,
      participant: this.participant.done(rows),
      attributes: new Map([...this.attributes].map(([name, column]) => [name, column.done(rows)])),
      answer: this.answer.done(),
      offsets: this.offsets.done(),
      probabilities: this.probabilities.done(),
      targets: this.targets.done(),
      hasTarget: this.hasTarget.done(),
      weight: this.weight.done(),
    });
  }

  private questionOf(row: PredictionRow, fail: (what: string) => never): number {
    const known = this.questionCodes.get(row.questionId);
    if (known === undefined) {
      const twice = row.options.find((text, k) => row.options.indexOf(text) !== k);
      if (twice !== undefined) fail(`options: expected different texts, found ${show(twice)} twice`);
      this.questionCodes.set(row.questionId, this.questions.length);
      return this.questions.push({ id: row.questionId, options: [...row.options], ordered: row.ordered }) - 1;
    }
    const { options, ordered } = this.questions[known]!;
    if (!sameTexts(options, row.options)) {
      const [before, now] = [show(options), show(row.options)];
      fail(`options: expected those of the question's earlier rows, ${before}, found ${now}`);
    }
    if (ordered !== row.ordered) {
      fail(`ordered: expected ${ordered}, as in the question's earlier rows, found ${row.ordered}`);
    }
    return known;
  }
}

const sameTexts = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((text, i) => text === b[i]);

export type PredictionColumns = Omit<PredictionTable, "row">;

/** A table of columns that follow its rules. */
export function tableOf(columns: PredictionColumns): PredictionTable {
  return { ...columns, row: (index) => rowOf(columns, index) };
}

/** Some rows of a table, in the order in which they are asked for. Questions and texts that no row has any more go too. */
export function selectRows(table: PredictionTable, rows: ArrayLike<number>): PredictionTable {
  const { length } = rows;
  const offsets = new Float64Array(length + 1);
  for (let i = 0; i < length; i++) {
    offsets[i + 1] = offsets[i]! + table.offsets[rows[i]! + 1]! - table.offsets[rows[i]!]!;
  }
  const pick = (values: Float64Array): Float64Array => {
    const picked = new Float64Array(offsets[length]!);
    for (let i = 0; i < length; i++) {
      picked.set(values.subarray(table.offsets[rows[i]!], table.offsets[rows[i]! + 1]), offsets[i]);
    }
    return picked;
  };
  const text = <T>({
    codes,
    values,
  }: {
    codes: Int32Array;
    values: readonly T[];
  }): { codes: Int32Array; values: T[] } => {
    const codeOf = new Int32Array(values.length).fill(-1);
    const kept: T[] = [];
    const picked = Int32Array.from({ length }, (_, i) => {
      const code = codes[rows[i]!]!;
      if (code < 0) return -1;
      if (codeOf[code]! < 0) codeOf[code] = kept.push(values[code]!) - 1;
      return codeOf[code]!;
    });
    return { codes: picked, values: kept };
  };
  const question = text({ codes: table.question, values: table.questions });
  return tableOf({
    rows: length,
    exampleIds: Array.from(rows, (row) => table.exampleIds[row]!),
    question: question.codes,
    questions: question.values,
    participant: text(table.participant),
    attributes: new Map([...table.attributes].map(([name, column]) => [name, text(column)])),
    answer: Int32Array.from(rows, (row) => table.answer[row]!),
    offsets,
    probabilities: pick(table.probabilities),
    targets: table.targets.length > 0 ? pick(table.targets) : table.targets,
    hasTarget: Uint8Array.from(rows, (row) => table.hasTarget[row]!),
    weight: Float64Array.from(rows, (row) => table.weight[row]!),
  });
}

function rowOf(table: PredictionColumns, index: number): PredictionRow {
  if (!(Number.isInteger(index) && index >= 0 && index < table.rows)) {
    throw new RangeError(`expected a row from 0 to ${table.rows - 1}, found ${index}`);
  }
  const { id, options, ordered } = table.questions[table.question[index]!]!;
  const from = table.offsets[index]!;
  const to = table.offsets[index + 1]!;
  const profile: [string, string][] = [];
  for (const [name, { codes, values }] of table.attributes) {
    if (codes[index]! >= 0) profile.push([name, values[codes[index]!]!]);
  }
  return {
    exampleId: table.exampleIds[index]!,
    questionId: id,
    participantId: table.participant.values[table.participant.codes[index]!] ?? null,
    profile: Object.fromEntries(profile),
    options,
    ordered,
    answer: table.answer[index]! < 0 ? null : table.answer[index]!,
    target: table.hasTarget[index] === 1 ? Array.from(table.targets.subarray(from, to)) : null,
    probabilities: Array.from(table.probabilities.subarray(from, to)),
    weight: table.weight[index]!,
  };
}

function checkText(name: string, text: string | null, fail: (what: string) => never): void {
  if (text === "") fail(`${excerpt(name)}: expected a text, found an empty one; what is not known is left out`);
}

/**
 * A distribution over so many options: the values or, where their sum is within 1e-3 of 1 but not within 1e-6, these
 * divided by it. Calls `fail` where they are none.
 */
export function distributionOf(
  name: string,
  values: readonly number[],
  options: number,
  fail: (what: string) => never,
): readonly number[] {
  if (values.length !== options) {
    fail(`${name}: expected ${options} numbers, one for each option, found ${values.length}`);
  }
  let sum = 0;
  for (let i = 0; i < options; i++) {
    const value = values[i]!;
    if (!(value >= 0)) fail(`${name}[${i}]: expected a number in [0, 1], found ${value}`);
    sum += value;
  }
  const distance = Math.abs(sum - 1);
  // Three thirds of 0.333 are within, whatever rounding makes of their sum.
  if (!(distance <= SUM_TOLERANCE * (1 + 1e-9))) {
    fail(`${name}: expected a sum of 1 (within ${SUM_TOLERANCE}), found ${sum}`);
  }
  return distance <= EXACT ? values : values.map((value) => value / sum);
}

class TextColumnBuilder {
  private readonly codes = new Growing(Int32Array);
  private readonly codeOf = new Map<string, number>();

  set(row: number, value: string | null): void {
    this.codes.padTo(row, -1);
    let code = value === null ? -1 : this.codeOf.get(value);
    if (code === undefined) this.codeOf.set(value!, (code = this.codeOf.size));
    this.codes.push(code);
  }

  done(rows: number): TextColumn {
    this.codes.padTo(rows, -1);
    return { codes: this.codes.done(), values: [...this.codeOf.keys()] };
  }
}
