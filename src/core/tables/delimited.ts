import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { count, CumaError, excerpt, messageOf } from "../util/index.ts";
import { textChunks } from "../io/files.ts";
import { afterFirstLine, firstLine, MAX_ROW_CHARACTERS } from "./lines.ts";

/** Most columns of a table. */
export const MAX_COLUMNS = 10_000;

/** A row of a CSV or TSV file. */
export interface DelimitedRow {
  /** Line on which it ends, from 1. */
  readonly line: number;
  /** By column; columns without a name are left out. */
  readonly cells: Readonly<Record<string, string>>;
}

export interface DelimitedOptions {
  /** What separates cells; the first under which the header has `columns`, such as [",", ";"]. */
  readonly delimiters: readonly string[];
  /** Columns that there must be. */
  readonly columns?: readonly string[];
  /** Whether the first line is something else, and the header the second. */
  readonly skipFirstLine?: boolean;
}

/** The separators of files that are called csv: what Excel writes depends on the country. */
export const CSV = [",", ";", "\t", "|"] as const;

/**
 * Rows of a CSV or TSV file with a header, quoted as in RFC 4180; empty lines are skipped.
 * @throws CumaError naming the file, and the row (from 1) that has more or fewer cells than the header or unpaired quotes.
 */
export async function* delimited(
  path: string,
  { delimiters, columns = [], skipFirstLine = false }: DelimitedOptions,
): AsyncGenerator<DelimitedRow> {
  const text = (): AsyncIterable<string> => (skipFirstLine ? afterFirstLine(textChunks(path)) : textChunks(path));
  const header = await firstLine(path, text());
  const delimiter = delimiters.find((candidate) => hasColumns(header, candidate, columns)) ?? delimiters[0]!;
  const parser = parse({
    delimiter,
    bom: true,
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: MAX_ROW_CHARACTERS,
  });
  const done = pipeline(Readable.from(text()), parser);
  done.catch(() => undefined);
  let names: string[] | undefined;
  let row = 0;
  try {
    for await (const item of parser) {
      const { info, record } = item as { info: { lines: number }; record: string[] };
      if (!names) {
        names = record;
        checkHeader(path, names, columns);
        continue;
      }
      row++;
      if (record.length !== names.length) {
        const found = `found ${record.length}${names.length === 1 ? " (are they separated otherwise?)" : ""}`;
        throw new CumaError(`${path}: row ${row}: expected ${count(names.length, "cell")}, as in the header; ${found}`);
      }
      const cells = names.flatMap((name, i) => (name === "" ? [] : [[name, record[i]!] as const]));
      yield { line: info.lines + Number(skipFirstLine), cells: Object.fromEntries(cells) };
    }
    await done;
  } catch (error) {
    if (error instanceof CsvError) throw new CumaError(`${path}: row ${row + 1}: ${reason(error)}`, { cause: error });
    throw error;
  }
  if (!names) checkHeader(path, [], columns);
}

/** Whether a first line has the columns; what it has in quotes is taken for what it is in most files, names. */
function hasColumns(header: string, delimiter: string, columns: readonly string[]): boolean {
  const names = new Set(header.split(delimiter).map((name) => name.trim().replaceAll('"', "")));
  return names.size > 1 && columns.every((name) => names.has(name));
}

function checkHeader(path: string, header: readonly string[], columns: readonly string[]): void {
  if (header.length > MAX_COLUMNS) {
    throw new CumaError(`${path}: header: expected at most ${MAX_COLUMNS} columns, found ${header.length}`);
  }
  const names = new Set<string>();
  for (const name of header) {
    if (name !== "" && names.has(name)) {
      throw new CumaError(`${path}: header: expected each column once; found ${excerpt(name)} twice`);
    }
    names.add(name);
  }
  if (columns.some((name) => !names.has(name))) {
    const found = excerpt(header.join(", ")) || "nothing";
    throw new CumaError(`${path}: header: expected the columns ${columns.join(", ")}; found ${found}`);
  }
}

function reason(error: CsvError): string {
  if (error.code !== "CSV_MAX_RECORD_SIZE") return messageOf(error);
  return `is longer than ${MAX_ROW_CHARACTERS} characters; is a quote not closed?`;
}
