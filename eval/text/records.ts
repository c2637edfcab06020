import * as z from "zod";
import type { Profile } from "../../src/models/index.ts";
import { CumaError, describeIssue } from "../../src/util/index.ts";
import { openTable } from "../tableFile.ts";

/** What the columns of a file are. Every column that is not named here is an attribute of a profile. */
export interface Columns<Shape extends z.ZodRawShape> {
  readonly shape: Shape;
  /** Columns that every file has. */
  readonly needed: readonly (keyof Shape & string)[];
  /** Columns that are not texts: in CSV and TSV their cells hold JSON. */
  readonly json: readonly (keyof Shape & string)[];
}

/** A row as its named columns, and the attributes that are known of it. */
export interface FileRow<Fields> {
  readonly fields: Fields;
  readonly profile: Profile;
}

/**
 * Rows of a Parquet, Arrow IPC, JSON lines, CSV or TSV file, by the name's extension. An empty cell of CSV and TSV is
 * null, and so is a column that a row of JSON lines lacks, where the shape allows it.
 * @throws CumaError naming the file, the row (from 1) and the column.
 */
export async function readRows<Shape extends z.ZodRawShape>(
  path: string,
  columns: Columns<Shape>,
): Promise<FileRow<z.output<z.ZodObject<Shape>>>[]> {
  const schema = z.object(columns.shape);
  const rows: FileRow<z.output<z.ZodObject<Shape>>>[] = [];
  const { records } = await openTable(path, columns.needed, new Set(columns.json));
  for await (const record of records) {
    const where = `${path}: row ${rows.length + 1}: `;
    const parsed = schema.safeParse(record);
    if (!parsed.success) {
      throw new CumaError(where + describeIssue(parsed.error.issues[0]!, record), { cause: parsed.error });
    }
    rows.push({ fields: parsed.data, profile: profileOf(where, record as Record<string, unknown>, columns.shape) });
  }
  return rows;
}

function profileOf(where: string, record: Readonly<Record<string, unknown>>, shape: z.ZodRawShape): Profile {
  const profile: [string, string][] = [];
  for (const [name, value] of Object.entries(record)) {
    if (value === null || Object.hasOwn(shape, name)) continue;
    if (typeof value !== "string" || value === "") {
      const found = JSON.stringify(value);
      throw new CumaError(`${where}"${name}": expected null or a text that is not empty; found ${found}`);
    }
    profile.push([name, value]);
  }
  return Object.fromEntries(profile);
}

/** A text that names something. */
export const idSchema: z.ZodString = z.string().min(1, "expected a text that is not empty");
