import { CumaError, excerpt, show } from "../../src/core/util/index.ts";
import { Growing } from "../../src/core/util/growing.ts";
import {
  tableOf,
  type PredictionRow,
  type PredictionTable,
  type Question,
  type TextColumn,
} from "./predictionTable.ts";

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
