import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { count, CumaError, messageOf } from "../util/index.ts";
import { MAX_ROW_CHARACTERS } from "./lines.ts";

/** A row of a csv or tsv text. */
export interface FieldRow {
  /** Line on which it ends, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

export interface FieldRowsOptions {
  readonly delimiter: string;
  /** Takes a quote inside a field that does not begin with one for a part of it, as pandas does; otherwise an error. */
  readonly relaxedQuotes?: boolean;
  /** Line, from 1, on which the text begins in the file. */
  readonly firstLine?: number;
}

/**
 * Rows of a csv or tsv text, the header first, quoted as in RFC 4180; empty lines are skipped. All csv is read here.
 * @param path Names the file in messages.
 * @throws CumaError naming the file and the line (from 1) of a row that has more or fewer fields than the header or a quote
 * out of place, or the row that is too long or whose quote is not closed.
 */
export async function* fieldRows(
  path: string,
  text: AsyncIterable<string | Uint8Array>,
  { delimiter, relaxedQuotes = false, firstLine = 1 }: FieldRowsOptions,
): AsyncGenerator<FieldRow> {
  const parser = parse({
    delimiter,
    bom: true,
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
    relax_quotes: relaxedQuotes,
    max_record_size: MAX_ROW_CHARACTERS,
  });
  const done = pipeline(Readable.from(text), parser);
  done.catch(() => undefined);
  let width: number | undefined;
  try {
    for await (const item of parser) {
      const { info, record } = item as { info: { lines: number }; record: string[] };
      const line = info.lines + firstLine - 1;
      width ??= record.length;
      if (record.length !== width) throw new CumaError(`${path}:${line}: ${widthError(width, record.length)}`);
      yield { line, fields: record };
    }
    await done;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new CumaError(`${path}${placeOf(error, firstLine)}: ${reason(error)}`, { cause: error });
  }
}

/** Where an error is: on a line, or in the row (from 1, without the header) whose quote is found open where the text ends. */
function placeOf(error: CsvError, firstLine: number): string {
  // The parser is ahead of the rows that were taken, and counts for itself.
  const { lines, records: row } = error as CsvError & { readonly lines: number; readonly records: number };
  if (error.code === "INVALID_OPENING_QUOTE") return `:${lines + firstLine - 1}`;
  return row === 0 ? ": header" : `: row ${row}`;
}

function widthError(expected: number, found: number): string {
  const hint = expected === 1 ? " (are they separated otherwise?)" : "";
  return `expected ${count(expected, "field")}, as in the header; found ${found}${hint}`;
}

function reason(error: CsvError): string {
  if (error.code !== "CSV_MAX_RECORD_SIZE") return messageOf(error).replace(/ at line \d+/, "");
  return `is longer than ${MAX_ROW_CHARACTERS} characters; is a quote not closed?`;
}
