import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { textChunks } from "../src/io/index.ts";
import { CumaError } from "../src/util/index.ts";

/** A row of a CSV or TSV file. */
export interface DelimitedRow {
  /** Line on which it ends, from 1. */
  readonly line: number;
  /** By column. */
  readonly cells: Readonly<Record<string, string>>;
}

export interface DelimitedOptions {
  readonly delimiter: "," | "\t";
  /** Columns that there must be. */
  readonly columns?: readonly string[];
  /** Whether the first line is something else, and the header the second. */
  readonly skipFirstLine?: boolean;
}

/**
 * Rows of a CSV or TSV file with a header, quoted as in RFC 4180; empty lines are skipped.
 * @throws CumaError naming the file, and the row (from 1) that has more or fewer cells than the header or unpaired quotes.
 */
export async function* delimited(
  path: string,
  { delimiter, columns = [], skipFirstLine = false }: DelimitedOptions,
): AsyncGenerator<DelimitedRow> {
  const check = (header: readonly string[]): void => {
    const missing = columns.filter((name) => !header.includes(name));
    if (missing.length > 0) {
      throw new CumaError(
        `${path}: header: expected the columns ${columns.join(", ")}; found ${header.join(", ") || "nothing"}`,
      );
    }
    const twice = header.find((name, i) => header.indexOf(name) !== i);
    if (twice !== undefined) throw new CumaError(`${path}: header: expected each column once; found ${twice} twice`);
  };
  const names: string[] = [];
  const parser = parse({
    columns: (header: string[]) => {
      check(header);
      names.push(...header);
      return header;
    },
    delimiter,
    bom: true,
    info: true,
    skip_empty_lines: true,
  });
  const text = skipFirstLine ? afterFirstLine(textChunks(path)) : textChunks(path);
  const done = pipeline(Readable.from(text), parser);
  done.catch(() => undefined);
  let row = 0;
  try {
    for await (const item of parser) {
      const { info, record } = item as { info: { lines: number }; record: Record<string, string> };
      row++;
      yield { line: info.lines + Number(skipFirstLine), cells: record };
    }
    await done;
  } catch (error) {
    if (error instanceof CsvError) throw new CumaError(`${path}: row ${row + 1}: ${error.message}`, { cause: error });
    throw error;
  }
  if (names.length === 0) check([]);
}

/**
 * What a cell of a text column holds: an integer, another finite number or a boolean as the text that JSON has for it,
 * null for an empty text. Everything else as it is, also numbers so large that digits may have been lost.
 */
export function asText(value: unknown): unknown {
  if (value === "") return null;
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  return typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? String(value) : value;
}

/** Lines that are not blank. */
export async function* lines(path: string): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of textChunks(path)) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop()!;
    for (const part of parts) if (part.trim() !== "") yield part;
  }
  if (rest.trim() !== "") yield rest;
}

/** The first line, blank or not, without its end. */
export async function firstLine(path: string): Promise<string> {
  let text = "";
  for await (const chunk of textChunks(path)) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  return text.split("\n", 1)[0]!.trimEnd();
}

async function* afterFirstLine(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let skipped = false;
  for await (const chunk of chunks) {
    if (skipped) {
      yield chunk;
      continue;
    }
    const end = chunk.indexOf("\n");
    if (end < 0) continue;
    skipped = true;
    yield chunk.slice(end + 1);
  }
}
