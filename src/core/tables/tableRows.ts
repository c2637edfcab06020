import type { RecordBatch } from "apache-arrow";
import { CumaError, excerpt, isRecord, messageOf, show, unknownName } from "../util/index.ts";
import { cellReader } from "./arrowCells.ts";
import { CellError, cellOf, type Kind, type Kinds } from "./cells.ts";

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

/**
 * Whether a column holds numbers of rows by its name: what pandas calls an index when it writes one, and what becomes of
 * it when it is read again. R leaves its row names without a name.
 */
export function isRowNumber(name: string): boolean {
  return /^(?:|index|Unnamed: \d+(?:\.\d+)?|level_\d+|__index_level_\d+__|row_nr)$/.test(name);
}

type Entries = Iterable<readonly [name: string, value: unknown]>;

/** Makes rows of what a file has, and names the row and column of what is wrong. */
export class RowReader<C extends Columns> {
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
