import { z } from "zod";
import type { RecordBatch } from "apache-arrow";
import { CumaError, excerpt, isRecord, messageOf, show, unknownName } from "../util/index.ts";
import { METADATA_KEY, openColumnar } from "./parquet.ts";
import { cellReader } from "./arrowCells.ts";
import { CellError, cellOf, type Kind, type Kinds } from "./cells.ts";
import { CSV, delimited } from "./delimited.ts";
import { checkContent, formatOf } from "./formats.ts";
import { jsonRecords } from "./json.ts";
import { firstLine } from "./lines.ts";

/** What stands before the metadata in the first line of CSV and TSV. */
export const COMMENT = "# cuma ";

/** Columns by name, and what each holds. Every other column is an attribute. */
export type Columns = Readonly<Record<string, Kind>>;

/** Which of the columns that are not named are attributes. */
export interface AttributeChoice {
  /** These alone; null or absent: all but numbers of rows (see `isRowNumber`). */
  readonly attributes?: readonly string[] | null | undefined;
  /** Columns that are none. */
  readonly ignore?: readonly string[] | undefined;
}

export interface TableOptions<C extends Columns> extends AttributeChoice {
  readonly columns: C;
  /** Columns that there must be. */
  readonly needed: readonly (keyof C & string)[];
}

export interface TableRow<C extends Columns> {
  /** The named columns; null where there is nothing, or no such column. */
  readonly cells: { readonly [N in keyof C]: Kinds[C[N]] | null };
  /** The attributes that are known of it. */
  readonly profile: Readonly<Record<string, string>>;
}

export interface TableFile<C extends Columns> {
  readonly metadata: Readonly<Record<string, string>>;
  /** Can be gone through once. */
  readonly rows: AsyncIterable<TableRow<C>>;
}

/**
 * Whether a column holds numbers of rows by its name: what pandas calls an index when it writes one, and what becomes of
 * it when it is read again. R leaves its row names without a name.
 */
export function isRowNumber(name: string): boolean {
  return /^(?:|index|Unnamed: \d+(?:\.\d+)?|level_\d+|__index_level_\d+__|row_nr)$/.test(name);
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

type Entries = Iterable<readonly [name: string, value: unknown]>;

/** Makes rows of what a file has, and names the row and column of what is wrong. */
class RowReader<C extends Columns> {
  private readonly path: string;
  private readonly columns: C;
  private readonly needed: readonly string[];
  private readonly attributes: ReadonlySet<string> | null;
  private readonly ignored: ReadonlySet<string>;
  private readonly seen = new Set<string>();
  private readonly nothing: { readonly [name: string]: null };
  private row = 0;

  constructor(path: string, { columns, needed, attributes, ignore = [] }: TableOptions<C>) {
    this.path = path;
    this.columns = columns;
    this.needed = needed;
    this.attributes = attributes ? new Set(attributes) : null;
    this.ignored = new Set(ignore);
    this.nothing = Object.fromEntries(Object.keys(columns).map((name) => [name, null]));
  }

  async *ofRecords(records: AsyncIterable<unknown>): AsyncGenerator<TableRow<C>> {
    for await (const record of records) {
      this.row++;
      if (!isRecord(record)) throw this.error(`expected an object, found ${show(record)}`);
      const lacking = this.needed.find((name) => !Object.hasOwn(record, name));
      if (lacking !== undefined) throw this.error(`${lacking}: expected a value, found nothing`);
      const converted: [string, unknown][] = [];
      for (const [name, value] of Object.entries(record)) {
        const kind = this.kindOf(name);
        if (kind) converted.push([name, this.attempt(name, () => cellOf(kind, value))]);
      }
      yield this.rowOf(converted);
    }
    this.checkChoice();
  }

  async *ofBatches(batches: AsyncIterable<RecordBatch>): AsyncGenerator<TableRow<C>> {
    for await (const batch of batches) {
      const readers = batch.schema.fields.flatMap(({ name }, i) => {
        const kind = this.kindOf(name);
        const column = batch.data.children[i]!;
        return kind && batch.numRows > 0 ? [{ name, read: this.attempt(name, () => cellReader(column, kind)) }] : [];
      });
      for (let i = 0; i < batch.numRows; i++) {
        this.row++;
        yield this.rowOf(readers.map(({ name, read }) => [name, this.attempt(name, () => read(i))] as const));
      }
    }
    this.checkChoice();
  }

  /** What a column holds; undefined where it is not read. */
  private kindOf(name: string): Kind | undefined {
    if (Object.hasOwn(this.columns, name)) return this.columns[name];
    this.seen.add(name);
    if (this.ignored.has(name)) return undefined;
    return (this.attributes?.has(name) ?? !isRowNumber(name)) ? "text" : undefined;
  }

  private rowOf(entries: Entries): TableRow<C> {
    const cells: [string, unknown][] = [];
    const profile: [string, string][] = [];
    for (const [name, value] of entries) {
      if (Object.hasOwn(this.columns, name)) cells.push([name, value]);
      else if (value !== null) profile.push([name, value as string]);
    }
    return {
      cells: { ...this.nothing, ...Object.fromEntries(cells) } as TableRow<C>["cells"],
      profile: Object.fromEntries(profile),
    };
  }

  private attempt<T>(name: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof CellError) throw this.error(`${excerpt(name)}: ${error.message}`);
      throw this.error(`${excerpt(name)}: cannot be decoded: ${messageOf(error)}`, error);
    }
  }

  private error(what: string, cause?: unknown): CumaError {
    return new CumaError(`${this.path}: row ${Math.max(1, this.row)}: ${what}`, { cause });
  }

  private checkChoice(): void {
    if (this.row === 0) return;
    for (const name of [...(this.attributes ?? []), ...this.ignored]) {
      if (!this.seen.has(name)) throw new CumaError(`${this.path}: ${unknownName("column", name, this.seen)}`);
    }
  }
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
