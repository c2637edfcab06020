import * as z from "zod";
import { writeFileAtomic } from "../src/io/index.ts";
import { writeColumnar } from "../src/io/parquet.ts";
import { CumaError } from "../src/util/index.ts";
import { checkPath, checkTable } from "./arguments.ts";
import { PredictionTableBuilder, type PredictionRow, type PredictionTable } from "./predictions.ts";
import { batchRecords, batchRows, toArrow } from "./predictionsArrow.ts";
import { COMMENT, formatOf, openTable } from "./tableFile.ts";

export interface PredictionsFile {
  readonly table: PredictionTable;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The columns that are not attributes of a profile. */
const COLUMNS = [
  "example_id",
  "question_id",
  "participant_id",
  "options",
  "ordered",
  "answer",
  "target",
  "probabilities",
  "weight",
] as const;

/** Those of them that every file has. */
const NEEDED = ["example_id", "question_id", "options", "ordered", "probabilities"];

/** Columns that are not texts; they hold JSON in CSV and TSV. */
const JSON_COLUMNS: ReadonlySet<string> = new Set(COLUMNS.slice(3));

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
  const format = formatOf(path);
  for (const name of table.attributes.keys()) {
    if (COLUMNS.some((column) => column === name)) {
      throw new CumaError(`${path}: the attribute "${name}" has the name of another column; expected another name`);
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

/**
 * Reads what `writePredictions` writes, and such tables of other programs: columns may stand in any order,
 * `participant_id`, `answer`, `target` and `weight` may be missing, and every column of another name is an attribute.
 * Ids and attributes may be integers, other finite numbers or booleans; empty attributes and participants are not known.
 * What `PredictionTableBuilder` refuses is refused here, and probabilities are scaled as there.
 * @throws CumaError naming the file, the row (from 1) and the column.
 */
export async function readPredictions(path: string): Promise<PredictionsFile> {
  checkPath(path);
  const builder = new PredictionTableBuilder(path);
  const { metadata, records, batches } = await openTable(path, NEEDED, JSON_COLUMNS);
  let row = 0;
  if (!batches) for await (const record of records) builder.add(toRow(path, ++row, record));
  for (const batch of batches ?? []) {
    const typed = batchRows(batch);
    if (typed) for (let i = 0; i < batch.numRows; i++, row++) builder.add(typed(i));
    else for (const record of batchRecords(batch, JSON_COLUMNS)) builder.add(toRow(path, ++row, record));
  }
  return { table: builder.build(), metadata };
}

const rowSchema = z.looseObject({
  example_id: z.string(),
  question_id: z.string(),
  participant_id: z.string().nullish(),
  options: z.array(z.string()),
  ordered: z.boolean(),
  answer: z.number().nullish(),
  target: z.array(z.number()).nullish(),
  probabilities: z.array(z.number()),
  weight: z.number().nullish(),
});

function toRow(path: string, row: number, record: unknown): PredictionRow {
  const parsed = rowSchema.safeParse(record);
  if (!parsed.success) {
    const { path: at, message } = parsed.error.issues[0]!;
    throw new CumaError(`${path}: row ${row}: ${at.length === 0 ? "" : `${at.join(".")}: `}${message}`);
  }
  const profile: [string, string][] = [];
  for (const [name, value] of Object.entries(parsed.data)) {
    if (value === null || Object.hasOwn(rowSchema.shape, name)) continue;
    if (typeof value !== "string") {
      const found = typeof value === "number" ? String(value) : JSON.stringify(value);
      throw new CumaError(`${path}: row ${row}: ${name}: expected a text or null, found ${found}`);
    }
    profile.push([name, value]);
  }
  const { data } = parsed;
  return {
    exampleId: data.example_id,
    questionId: data.question_id,
    participantId: data.participant_id ?? null,
    profile: Object.fromEntries(profile),
    options: data.options,
    ordered: data.ordered,
    answer: data.answer ?? null,
    target: data.target ?? null,
    probabilities: data.probabilities,
    weight: data.weight ?? 1,
  };
}

const PIECE_ROWS = 10_000;

function* textPieces(table: PredictionTable, format: ".jsonl" | ".csv" | ".tsv"): Generator<Buffer> {
  const attributes = [...table.attributes.keys()];
  const names = [...COLUMNS.slice(0, 3), ...attributes, ...COLUMNS.slice(3)];
  const separator = format === ".csv" ? "," : "\t";
  const line = (cells: readonly unknown[]): string =>
    format === ".jsonl"
      ? JSON.stringify(Object.fromEntries(names.map((name, i) => [name, cells[i]])))
      : cells.map((value) => quoted(value, separator)).join(separator);
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

/** A cell of CSV or TSV: nothing for null, JSON for a list; quoted where a reader would take it for something else. */
function quoted(value: unknown, separator: string): string {
  if (value === null) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const special = /["\n\r]/.test(text) || text.includes(separator) || text !== text.trim() || text.startsWith("#");
  return special ? `"${text.replaceAll('"', '""')}"` : text;
}
