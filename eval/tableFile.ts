import { extname } from "node:path";
import type { RecordBatch } from "apache-arrow";
import * as z from "zod";
import { METADATA_KEY, openColumnar } from "../src/io/parquet.ts";
import { CumaError, messageOf, unknownName } from "../src/util/index.ts";
import { arrowRecords } from "./predictionsArrow.ts";
import { asText, delimited, firstLine, lines } from "./textFile.ts";

const formats = [".parquet", ".arrow", ".jsonl", ".csv", ".tsv"] as const;
type Format = (typeof formats)[number];

/** What stands before the metadata in the first line of CSV and TSV. */
export const COMMENT = "# cuma ";

export interface TableFile {
  readonly metadata: Readonly<Record<string, string>>;
  /** Rows by column, in every format alike: empty is null, and what is not JSON is a text (see `asText`). */
  readonly records: AsyncIterable<unknown> | Iterable<unknown>;
  /** Instead of `records`, not beside it: where the file is Parquet or Arrow, its rows in batches. */
  readonly batches?: Iterable<RecordBatch>;
}

/** @throws CumaError for an extension that is none of a table's. */
export function formatOf(path: string): Format {
  const extension = extname(path).toLowerCase();
  const format = formats.find((known) => known === extension);
  if (format === undefined) throw new CumaError(`${path}: ${unknownName("file extension", extension, formats)}`);
  return format;
}

/**
 * Opens a table: Parquet, Arrow IPC, JSON lines, CSV or TSV, by the name's extension.
 * @param needed Columns that there must be; a row of JSON lines may still lack them.
 * @param json Columns that are not texts: in CSV and TSV their cells hold JSON, or a boolean as Python writes it.
 * @throws CumaError naming the file and the row (from 1), now or when the row is read.
 */
export async function openTable(
  path: string,
  needed: readonly string[],
  json: ReadonlySet<string>,
): Promise<TableFile> {
  const format = formatOf(path);
  if (format === ".parquet" || format === ".arrow") {
    const { schema, batches } = openColumnar(path);
    const names = schema.fields.map(({ name }) => name);
    if (needed.some((name) => !names.includes(name))) {
      throw new CumaError(`${path}: expected the columns ${needed.join(", ")}; found ${names.join(", ") || "none"}`);
    }
    const metadata = parseMetadata(path, schema.metadata.get(METADATA_KEY));
    return { metadata, records: arrowRecords({ batches }, json), batches };
  }
  const first = await firstLine(path);
  if (format === ".jsonl") {
    const metadata = metadataLine.safeParse(tryJson(first)).data?.metadata;
    return { metadata: metadata ?? {}, records: jsonLines(path, json, metadata !== undefined) };
  }
  const commented = first.startsWith(COMMENT);
  const delimiter = format === ".csv" ? "," : "\t";
  return {
    metadata: parseMetadata(path, commented ? first.slice(COMMENT.length) : undefined),
    records: cells(path, json, delimited(path, { delimiter, columns: needed, skipFirstLine: commented })),
  };
}

const metadataSchema = z.record(z.string(), z.string());
const metadataLine = z.strictObject({ metadata: metadataSchema });

function parseMetadata(path: string, text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  try {
    return metadataSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new CumaError(`${path}: metadata: expected a JSON object of texts, found ${text.slice(0, 100)}`, {
      cause: error,
    });
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function* jsonLines(path: string, json: ReadonlySet<string>, skipFirst: boolean): AsyncGenerator {
  let row = skipFirst ? -1 : 0;
  const value = (name: string, found: unknown): unknown => {
    if (json.has(name)) return found === "" ? null : found;
    const text = asText(found);
    if (typeof text !== "number") return text;
    throw new CumaError(
      `${path}: row ${row}: ${name}: expected a text, or a number of at most 2^53 - 1, found ${text}`,
    );
  };
  for await (const line of lines(path)) {
    if (row++ < 0) continue;
    let record: unknown;
    try {
      record = JSON.parse(line);
    } catch (error) {
      throw new CumaError(`${path}: row ${row}: is not JSON: ${messageOf(error)}`, { cause: error });
    }
    yield typeof record === "object" && record !== null && !Array.isArray(record)
      ? Object.fromEntries(Object.entries(record).map(([name, found]) => [name, value(name, found)]))
      : record;
  }
}

/** Booleans as JSON, Python and R write them. */
const BOOLEAN = /^(true|false)$/i;
/** A number, or a list of numbers, up to the first that is not finite. */
const NOT_FINITE = /^\[?[\d\s.,e+-]*(nan|inf(inity)?)\b/i;

/** The texts of rows as the values they stand for; an empty cell is null. */
async function* cells(
  path: string,
  json: ReadonlySet<string>,
  rows: AsyncIterable<{ readonly cells: Readonly<Record<string, string>> }>,
): AsyncGenerator {
  let row = 0;
  const value = (name: string, text: string): unknown => {
    if (text === "") return null;
    if (!json.has(name)) return text;
    if (BOOLEAN.test(text)) return text.toLowerCase() === "true";
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      const expected = !NOT_FINITE.test(text) ? "JSON" : text.startsWith("[") ? "finite numbers" : "a finite number";
      throw new CumaError(`${path}: row ${row}: ${name}: expected ${expected}, found ${text.slice(0, 100)}`, {
        cause: error,
      });
    }
  };
  for await (const { cells: texts } of rows) {
    row++;
    yield Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, value(name, text)]));
  }
}
