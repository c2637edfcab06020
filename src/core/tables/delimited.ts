import { CumaError, excerpt } from "../util/index.ts";
import { textChunks } from "../io/files.ts";
import { fieldRows, type FieldRow } from "./fieldRows.ts";
import { afterFirstLine, firstLine } from "./lines.ts";

/** Most columns of a table. */
const MAX_COLUMNS = 10_000;

export interface DelimitedOptions {
  /** What separates cells; the first under which the header has `columns`, such as [",", ";"]. */
  readonly delimiters: readonly string[];
  /** Columns that there must be. */
  readonly columns?: readonly string[];
  /** Whether the first line is something else, and the header the second. */
  readonly skipFirstLine?: boolean;
}

/** A csv or tsv file with a header. */
export interface DelimitedFile {
  /** Names of the columns. A name occurs once; columns may have none. */
  readonly header: readonly string[];
  /** In the order of the header. Can be gone through once. */
  readonly rows: AsyncGenerator<FieldRow>;
}

/** A row of a csv or tsv file by its columns. */
export interface DelimitedRow {
  /** Line on which it ends, from 1. */
  readonly line: number;
  /** By column; columns without a name are left out. */
  readonly cells: Readonly<Record<string, string>>;
}

/** The separators of files that are called csv: what Excel writes depends on the country. */
export const CSV = [",", ";", "\t", "|"] as const;

/**
 * Opens a csv or tsv file (see `fieldRows`).
 * @throws CumaError naming the file where its header lacks a column, or has one twice.
 */
export async function openDelimited(
  path: string,
  { delimiters, columns = [], skipFirstLine = false }: DelimitedOptions,
): Promise<DelimitedFile> {
  const text = (): AsyncIterable<string> => (skipFirstLine ? afterFirstLine(textChunks(path)) : textChunks(path));
  const names = await firstLine(path, text());
  const delimiter = delimiters.find((candidate) => hasColumns(names, candidate, columns)) ?? delimiters[0]!;
  const rows = fieldRows(path, text(), { delimiter, firstLine: skipFirstLine ? 2 : 1 });
  const first = await rows.next();
  const header = first.done ? [] : first.value.fields;
  try {
    checkHeader(path, header, columns);
  } catch (error) {
    await rows.return(undefined);
    throw error;
  }
  return { header, rows };
}

/**
 * Rows of a csv or tsv file by their columns.
 * @throws CumaError as `openDelimited` and `fieldRows`.
 */
export async function* delimited(path: string, options: DelimitedOptions): AsyncGenerator<DelimitedRow> {
  const { header, rows } = await openDelimited(path, options);
  for await (const { line, fields } of rows) {
    const cells = header.flatMap((name, i) => (name === "" ? [] : [[name, fields[i]!] as const]));
    yield { line, cells: Object.fromEntries(cells) };
  }
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
