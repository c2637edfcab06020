import {
  Bool,
  Dictionary,
  Field,
  Float64,
  Int32,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  Utf8,
  vectorFromArray,
  type Data,
} from "apache-arrow";
import { METADATA_KEY } from "../../src/core/tables/columnar.ts";
import type { PredictionTable, TextColumn } from "./predictionTable.ts";

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
