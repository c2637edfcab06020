import { z } from "zod";
import { CumaError, excerpt } from "../util/index.ts";
import { METADATA_KEY, openColumnar } from "./columnar.ts";
import { CSV, delimited } from "./delimited.ts";
import { checkContent, formatOf } from "./formats.ts";
import { jsonRecords } from "./jsonRecords.ts";
import { firstLine } from "./lines.ts";
import { RowReader, type Columns, type TableOptions, type TableRow } from "./tableRows.ts";

export type { AttributeChoice } from "./tableRows.ts";

/** What stands before the metadata in the first line of CSV and TSV. */
export const COMMENT = "# cuma ";

export interface TableFile<C extends Columns> {
  readonly metadata: Readonly<Record<string, string>>;
  /** Can be gone through once. */
  readonly rows: AsyncIterable<TableRow<C>>;
}

/**
 * Opens a table: Parquet, Arrow IPC, JSON lines or a JSON array, CSV or TSV, by the name's extension. A cell gives the same
 * value in all of them (see `cellOf`).
 * @throws CumaError naming the file, the row (from 1) and the column, now or when the row is read; at the end for a chosen
 * attribute, or an ignored column, that there is not.
 */
export async function openTable<const C extends Columns>(
  path: string,
  options: TableOptions<C>,
): Promise<TableFile<C>> {
  const { needed } = options;
  const format = formatOf(path);
  checkContent(path, format);
  const reader = new RowReader(path, options);
  if (format === "parquet" || format === "arrow") {
    const { schema, batches } = await openColumnar(path, format);
    const names = schema.fields.map(({ name }) => name);
    if (needed.some((name) => !names.includes(name))) {
      const found = excerpt(names.join(", ")) || "none";
      throw new CumaError(`${path}: expected the columns ${needed.join(", ")}; found ${found}`);
    }
    return { metadata: parseMetadata(path, schema.metadata.get(METADATA_KEY)), rows: reader.ofBatches(batches) };
  }
  const first = await firstLine(path);
  if (format === "json") {
    const metadata = metadataLine.safeParse(tryJson(first)).data?.metadata;
    return { metadata: metadata ?? {}, rows: reader.ofRecords(jsonRecords(path, metadata !== undefined)) };
  }
  const skipFirstLine = first.startsWith(COMMENT);
  const delimiters = format === "csv" ? CSV : ["\t"];
  return {
    metadata: parseMetadata(path, skipFirstLine ? first.slice(COMMENT.length) : undefined),
    rows: reader.ofRecords(cells(delimited(path, { delimiters, columns: needed, skipFirstLine }))),
  };
}

async function* cells(rows: ReturnType<typeof delimited>): AsyncGenerator {
  for await (const row of rows) yield row.cells;
}

const metadataSchema = z.record(z.string(), z.string());
const metadataLine = z.strictObject({ metadata: metadataSchema });

function parseMetadata(path: string, text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  try {
    return metadataSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new CumaError(`${path}: metadata: expected a JSON object of texts, found ${excerpt(text)}`, { cause: error });
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
