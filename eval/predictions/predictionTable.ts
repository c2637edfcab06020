import type { Profile } from "../../src/core/text/index.ts";

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
