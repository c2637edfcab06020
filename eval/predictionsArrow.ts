import {
  Bool,
  Dictionary,
  Field,
  Float,
  Float64,
  Int,
  Int32,
  LargeUtf8,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  Utf8,
  Vector,
  vectorFromArray,
  type Data,
  type DataType,
} from "apache-arrow";
import { METADATA_KEY } from "../src/io/parquet.ts";
import type { Profile } from "../src/models/index.ts";
import type { PredictionRow, PredictionTable, TextColumn } from "./predictions.ts";
import { asText } from "./textFile.ts";

/** The table as one record batch. Dictionaries have ids from 0, so that equal tables give equal bytes. */
export function toArrow(table: PredictionTable, metadata: string): Table {
  const { rows } = table;
  const fields: Field[] = [];
  const children: Data[] = [];
  let dictionaries = 0;
  const add = (name: string, data: Data): void => {
    fields.push(new Field(name, data.type, data.nullCount > 0));
    children.push(data);
  };
  const text = ({ codes, values }: TextColumn): Data =>
    makeData({
      type: new Dictionary(new Utf8(), new Int32(), dictionaries++),
      length: codes.length,
      ...validity(rows, (i) => codes[i]! >= 0),
      // A null's code is not read, and must be a valid one all the same.
      data: codes.map((code) => Math.max(0, code)),
      dictionary: vectorFromArray(values.length > 0 ? values : [""], new Utf8()),
    });
  const list = (child: Data, offsets: Int32Array, valid?: (i: number) => boolean): Data =>
    makeData({
      type: new List(new Field("item", child.type, false)),
      length: rows,
      ...(valid ? validity(rows, valid) : { nullCount: 0 }),
      valueOffsets: offsets,
      child,
    });

  add("example_id", vectorFromArray(table.exampleIds, new Utf8()).data[0] ?? makeData({ type: new Utf8() }));
  add("question_id", text({ codes: table.question, values: table.questions.map(({ id }) => id) }));
  add("participant_id", text(table.participant));
  for (const [name, column] of table.attributes) add(name, text(column));
  const offsets = Int32Array.from(table.offsets);
  add("options", list(text(flatOptions(table)), offsets));
  add(
    "ordered",
    bits(rows, (i) => table.questions[table.question[i]!]!.ordered),
  );
  add(
    "answer",
    makeData({ type: new Int32(), length: rows, ...validity(rows, (i) => table.answer[i]! >= 0), data: table.answer }),
  );
  const { targets, targetOffsets } = packedTargets(table);
  add(
    "target",
    list(float64(targets), targetOffsets, (i) => table.hasTarget[i] === 1),
  );
  add("probabilities", list(float64(table.probabilities), offsets));
  add("weight", float64(table.weight));

  const schema = new Schema(fields, new Map([[METADATA_KEY, metadata]]));
  const data = makeData({ type: new Struct(fields), length: rows, nullCount: 0, children });
  return new Table(schema, [new RecordBatch(schema, data)]);
}

const float64 = (data: Float64Array): Data =>
  makeData({ type: new Float64(), length: data.length, nullCount: 0, data });

function bits(rows: number, bit: (i: number) => boolean): Data {
  return makeData({ type: new Bool(), length: rows, nullCount: 0, data: validity(rows, bit).nullBitmap });
}

function validity(rows: number, valid: (i: number) => boolean): { nullCount: number; nullBitmap: Uint8Array } {
  const nullBitmap = new Uint8Array(Math.ceil(rows / 8));
  let nullCount = rows;
  for (let i = 0; i < rows; i++) {
    if (!valid(i)) continue;
    nullBitmap[i >> 3]! |= 1 << (i & 7);
    nullCount--;
  }
  return { nullCount, nullBitmap };
}

function flatOptions(table: PredictionTable): TextColumn {
  const codeOf = new Map<string, number>();
  const ofQuestion = table.questions.map(({ options }) =>
    options.map((option) => {
      let code = codeOf.get(option);
      if (code === undefined) codeOf.set(option, (code = codeOf.size));
      return code;
    }),
  );
  const codes = new Int32Array(table.probabilities.length);
  for (let i = 0; i < table.rows; i++) codes.set(ofQuestion[table.question[i]!]!, table.offsets[i]);
  return { codes, values: [...codeOf.keys()] };
}

function packedTargets(table: PredictionTable): { targets: Float64Array; targetOffsets: Int32Array } {
  const targetOffsets = new Int32Array(table.rows + 1);
  for (let i = 0; i < table.rows; i++) {
    const options = table.hasTarget[i] === 1 ? table.offsets[i + 1]! - table.offsets[i]! : 0;
    targetOffsets[i + 1] = targetOffsets[i]! + options;
  }
  const targets = new Float64Array(targetOffsets[table.rows]!);
  for (let i = 0; i < table.rows; i++) {
    if (table.hasTarget[i] === 1) {
      targets.set(table.targets.subarray(table.offsets[i], table.offsets[i + 1]), targetOffsets[i]);
    }
  }
  return { targets, targetOffsets };
}

/**
 * The rows of an Arrow table as plain records, column names as keys.
 * @param values Columns that are not texts.
 */
export function* arrowRecords(
  { batches }: { readonly batches: Iterable<RecordBatch> },
  values: ReadonlySet<string>,
): Generator<Cells> {
  for (const batch of batches) yield* batchRecords(batch, values);
}

/** The rows of a batch as plain records. */
export function* batchRecords(batch: RecordBatch, values: ReadonlySet<string>): Generator<Cells> {
  if (batch.numRows === 0) return;
  const columns = batch.schema.fields.map(({ name }) => {
    const column = batch.getChild(name)!;
    return [name, values.has(name) ? reader(column) : textReader(column)] as const;
  });
  for (let i = 0; i < batch.numRows; i++) {
    yield Object.fromEntries(columns.map(([name, read]) => [name, read(i)]));
  }
}

type Cells = Readonly<Record<string, unknown>>;

/**
 * The rows of a batch as predictions, where every cell is of the type that it must be, as the types of columns tell;
 * undefined where not.
 */
export function batchRows(batch: RecordBatch): ((row: number) => PredictionRow) | undefined {
  const known = new Set<string>();
  const typed: boolean[] = [];
  /** @param missing What a null stands for; undefined: there must be none. */
  const column = <T>(name: string, fits: (data: Data) => boolean, missing?: T): ((row: number) => T) => {
    known.add(name);
    const found = batch.getChild(name);
    if (!found) return () => missing!;
    typed.push(fits(found.data[0] as Data) && (missing !== undefined || found.nullCount === 0));
    const read = reader(found) as (row: number) => T | null;
    return (row) => read(row) ?? missing!;
  };
  const exampleId = column<string>("example_id", isText);
  const questionId = column<string>("question_id", isText);
  const participantId = column<string | null>("participant_id", isText, null);
  const options = column<readonly string[]>("options", listOf(isText));
  const ordered = column<boolean>("ordered", ({ type }) => type instanceof Bool);
  const answer = column<number | null>("answer", isNumber, null);
  const target = column<readonly number[] | null>("target", listOf(isNumber), null);
  const probabilities = column<readonly number[]>("probabilities", listOf(isNumber));
  const weight = column<number>("weight", isNumber, 1);
  const attributes = batch.schema.fields
    .filter(({ name }) => !known.has(name))
    .map(({ name }) => ({ name, value: column<string | null>(name, isText, null) }));
  const profile = (row: number): Profile => {
    const entries: [string, string][] = [];
    for (const { name, value } of attributes) {
      const text = value(row);
      if (text) entries.push([name, text]);
    }
    return Object.fromEntries(entries);
  };
  if (typed.includes(false)) return undefined;
  return (row) => ({
    exampleId: exampleId(row),
    questionId: questionId(row),
    participantId: participantId(row) || null,
    profile: profile(row),
    options: options(row),
    ordered: ordered(row),
    answer: answer(row),
    target: target(row),
    probabilities: probabilities(row),
    weight: weight(row),
  });
}

/** Whether all are texts; a code of a dictionary must stand for one, where it is a null's too. */
function isText({ type, values, length, dictionary }: Data): boolean {
  if (type instanceof Utf8 || type instanceof LargeUtf8) return true;
  if (!(type instanceof Dictionary) || !dictionary || dictionary.nullCount > 0) return false;
  const codes = values as Int32Array;
  const texts: unknown = type.dictionary;
  const plain = texts instanceof Utf8 || texts instanceof LargeUtf8;
  return plain && codes.length >= length && within(codes, dictionary.length - 1);
}

const within = (values: Int32Array, most: number): boolean => values.every((value) => value >= 0 && value <= most);

/** Whether all are numbers, and finite. */
function isNumber({ type, values, length }: Data): boolean {
  const numbers = values as Float64Array;
  if (numbers.length < length) return false;
  return type instanceof Int || (isFloats(values) && values.every((value) => Number.isFinite(value)));
}

const listOf =
  (fits: (data: Data) => boolean) =>
  ({ type, children, valueOffsets }: Data): boolean => {
    const child = children[0] as Data;
    return (
      type instanceof List && child.nullCount === 0 && within(valueOffsets as Int32Array, child.length) && fits(child)
    );
  };

/**
 * A column's cells as plain values: lists as arrays, 64-bit integers as numbers, what is null as null. Equal lists of
 * dictionary texts are one array, which must not be changed.
 */
function reader(column: Vector): (row: number) => unknown {
  const type = column.type as DataType;
  if (type instanceof List) return listReader(column.data[0] as Data<List>);
  const plain = type instanceof Dictionary ? column.memoize() : column;
  return (row) => {
    const value: unknown = plain.get(row);
    if (typeof value === "object" && value instanceof Vector) return Array.from(value as Iterable<unknown>);
    return typeof value === "bigint" ? Number(value) : value;
  };
}

/** A text column's cells (see `asText`); those of a type without a text, such as dates, as `reader` has them. */
function textReader(column: Vector): (row: number) => unknown {
  const type = column.type as DataType;
  const texts: unknown = type instanceof Dictionary ? type.dictionary : type;
  const known = [Utf8, LargeUtf8, Int, Float, Bool].some((of) => texts instanceof of);
  if (!known) return reader(column);
  const plain = type instanceof Dictionary ? column.memoize() : column;
  return (row) => asText(plain.get(row));
}

function listReader(data: Data<List>): (row: number) => unknown {
  const child = data.children[0] as Data;
  const offsets = data.valueOffsets as Int32Array;
  const item = reader(new Vector([child]));
  const list = (row: number): unknown[] =>
    Array.from({ length: offsets[row + 1]! - offsets[row]! }, (_, i) => item(offsets[row]! + i));
  let read = list;
  if (child.nullCount === 0) {
    if (isFloats(child.values)) read = numberLists(child.values, offsets);
    else if (child.type instanceof Dictionary) read = sharedLists(child, offsets, list);
  }
  if (data.nullCount === 0) return read;
  return (row) => (data.getValid(row) ? read(row) : null);
}

/** A type that comes from a file is no `Float64`, but a `Float` of such values. */
const isFloats = (values: unknown): values is Float32Array | Float64Array =>
  values instanceof Float64Array || values instanceof Float32Array;

function numberLists(values: Float32Array | Float64Array, offsets: Int32Array): (row: number) => number[] {
  return (row) => {
    const found: number[] = [];
    const end = offsets[row + 1]!;
    for (let i = offsets[row]!; i < end; i++) found.push(values[i]!);
    return found;
  };
}

/** Lists that have been met before are found by their dictionary codes. */
function sharedLists(child: Data, offsets: Int32Array, list: (row: number) => unknown[]): (row: number) => unknown[] {
  const codes = child.values as Int32Array;
  /** By first code, the rows of different lists. */
  const known = new Map<number | undefined, { row: number; values: unknown[] }[]>();
  const same = (a: number, b: number): boolean => {
    const length = offsets[a + 1]! - offsets[a]!;
    if (offsets[b + 1]! - offsets[b]! !== length) return false;
    for (let i = 0; i < length; i++) if (codes[offsets[a]! + i] !== codes[offsets[b]! + i]) return false;
    return true;
  };
  return (row) => {
    const first = offsets[row + 1]! > offsets[row]! ? codes[offsets[row]!] : undefined;
    const lists = known.get(first);
    const found = lists?.find((candidate) => same(candidate.row, row));
    if (found) return found.values;
    const values = list(row);
    if (lists) lists.push({ row, values });
    else known.set(first, [{ row, values }]);
    return values;
  };
}
