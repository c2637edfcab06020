import { extname } from "node:path";
import { writeFileAtomic } from "../../src/core/io/index.ts";
import { writeColumnar } from "../../src/core/tables/columnar.ts";
import { quoteField } from "../../src/core/tables/quoting.ts";
import { COMMENT, openTable, type AttributeChoice } from "../../src/core/tables/openTable.ts";
import { CumaError, show, unknownName } from "../../src/core/util/index.ts";
import { checkPath, checkTable } from "../arguments.ts";
import { type PredictionTable } from "./predictionTable.ts";
import { PredictionTableBuilder } from "./predictionTableBuilder.ts";
import { toArrow } from "./arrow.ts";

export interface PredictionsFile {
  readonly table: PredictionTable;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The columns that are not attributes of a profile. */
const COLUMNS = {
  example_id: "text",
  question_id: "text",
  participant_id: "text",
  options: "texts",
  ordered: "boolean",
  answer: "index",
  target: "numbers",
  probabilities: "numbers",
  weight: "number",
} as const;

/** Those of them that every row has. */
const NEEDED = ["example_id", "question_id", "options", "ordered", "probabilities"] as const;

/** In the order in which they are written: texts, then attributes, then these. */
const TEXTS = 3;

const formats = [".parquet", ".arrow", ".jsonl", ".csv", ".tsv"] as const;
type WrittenFormat = (typeof formats)[number];

/**
 * Writes predictions as Parquet, Arrow IPC, JSON lines, CSV or TSV, by the name's extension. Metadata stands in the
 * schema (Parquet, Arrow), in a first line `{"metadata": ...}` (JSON lines) or in a first line `# cuma {...}` (CSV, TSV).
 * Equal tables give equal bytes.
 * @throws CumaError naming the file where its extension is none of these, an attribute has the name of another column,
 * or it cannot be written.
 */
export function writePredictions(
  path: string,
  table: PredictionTable,
  metadata: Readonly<Record<string, string>> = {},
): void {
  checkPath(path);
  checkTable("table", table);
  const format = writtenFormat(path);
  for (const name of table.attributes.keys()) {
    if (Object.hasOwn(COLUMNS, name)) {
      throw new CumaError(`${path}: the attribute ${show(name)} has the name of another column; expected another name`);
    }
  }
  const sorted = JSON.stringify(Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))));
  if (format === ".parquet" || format === ".arrow") {
    writeColumnar(path, toArrow(table, sorted));
    return;
  }
  const head = sorted === "{}" ? "" : format === ".jsonl" ? `{"metadata":${sorted}}\n` : `${COMMENT}${sorted}\n`;
  writeFileAtomic(path, Buffer.concat([Buffer.from(head), ...textPieces(table, format)]));
}

function writtenFormat(path: string): WrittenFormat {
  const extension = extname(path).toLowerCase();
  const format = formats.find((known) => known === extension);
  if (format === undefined) throw new CumaError(`${path}: ${unknownName("file extension", extension, formats)}`);
  return format;
}

/**
 * Reads what `writePredictions` writes, and such tables of other programs (see `openTable` and `cellOf`): columns may stand
 * in any order, `participant_id`, `answer`, `target` and `weight` may be missing, and every column of another name is an
 * attribute unless `choice` or its name says that it is none (see `isRowNumber`). What `PredictionTableBuilder` refuses is
 * refused here, and probabilities are scaled as there.
 * @throws CumaError naming the file, the row (from 1) and the column.
 */
export async function readPredictions(path: string, choice: AttributeChoice = {}): Promise<PredictionsFile> {
  checkPath(path);
  const builder = new PredictionTableBuilder(path);
  const { metadata, rows } = await openTable(path, { ...choice, columns: COLUMNS, needed: NEEDED });
  let number = 0;
  for await (const { cells, profile } of rows) {
    number++;
    const needed = <N extends (typeof NEEDED)[number]>(name: N): NonNullable<(typeof cells)[N]> => {
      const value = cells[name];
      if (value === null) throw new CumaError(`${path}: row ${number}: ${name}: expected a value, found nothing`);
      return value;
    };
    builder.add({
      exampleId: needed("example_id"),
      questionId: needed("question_id"),
      participantId: cells.participant_id,
      profile,
      options: needed("options"),
      ordered: needed("ordered"),
      answer: cells.answer,
      target: cells.target,
      probabilities: needed("probabilities"),
      weight: cells.weight ?? 1,
    });
  }
  return { table: builder.build(), metadata };
}

const PIECE_ROWS = 10_000;

function* textPieces(table: PredictionTable, format: ".jsonl" | ".csv" | ".tsv"): Generator<Buffer> {
  const attributes = [...table.attributes.keys()];
  const columns = Object.keys(COLUMNS);
  const names = [...columns.slice(0, TEXTS), ...attributes, ...columns.slice(TEXTS)];
  const separator = format === ".csv" ? "," : "\t";
  const line = (cells: readonly unknown[]): string =>
    format === ".jsonl"
      ? JSON.stringify(Object.fromEntries(names.map((name, i) => [name, cells[i]])))
      : cells.map((value) => textCell(value, separator)).join(separator);
  if (format !== ".jsonl") yield Buffer.from(`${line(names)}\n`);
  for (let from = 0; from < table.rows; from += PIECE_ROWS) {
    let text = "";
    for (let i = from; i < Math.min(table.rows, from + PIECE_ROWS); i++) {
      const row = table.row(i);
      const { exampleId, questionId, participantId, profile, options, ordered, answer, target, probabilities } = row;
      const values = attributes.map((name) => profile[name] ?? null);
      const cells = [exampleId, questionId, participantId, ...values, options, ordered, answer, target, probabilities];
      text += `${line([...cells, row.weight])}\n`;
    }
    yield Buffer.from(text);
  }
}

/** What some readers take for a comment, or cut the spaces off. */
const MISREAD = /^[\s#]|\s$/;

/** A cell of CSV or TSV: nothing for null, JSON for a list. */
function textCell(value: unknown, separator: string): string {
  if (value === null) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return quoteField(text, separator, MISREAD);
}
