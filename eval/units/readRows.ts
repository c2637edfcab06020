import * as z from "zod";
import type { Kind } from "../../src/core/tables/cells.ts";
import { openTable } from "../../src/core/tables/openTable.ts";
import type { Profile } from "../../src/core/text/index.ts";
import { CumaError, describeIssue } from "../../src/core/util/index.ts";
import { checkPath } from "../arguments.ts";

/** What the columns of a file are. Every column that is not named here is an attribute of a profile. */
export interface Columns<Shape extends z.ZodRawShape> {
  readonly shape: Shape;
  /** Columns that every file has. */
  readonly needed: readonly (keyof Shape & string)[];
  /** What the columns hold that are not texts. */
  readonly kinds?: Partial<Record<keyof Shape & string, Kind>>;
}

/** A row as its named columns, and the attributes that are known of it. */
export interface FileRow<Fields> {
  readonly fields: Fields;
  readonly profile: Profile;
}

/**
 * Rows of a Parquet, Arrow IPC, JSON lines, CSV or TSV file, by the name's extension. What is
 * empty is null, and so is a column that a row lacks, where the shape allows it.
 * @throws CumaError naming the file, the row (from 1) and the column.
 */
export async function readRows<Shape extends z.ZodRawShape>(
  path: string,
  columns: Columns<Shape>,
): Promise<FileRow<z.output<z.ZodObject<Shape>>>[]> {
  checkPath(path);
  const schema = z.object(columns.shape);
  const kinds = Object.fromEntries(
    Object.keys(columns.shape).map((name): [string, Kind] => [name, columns.kinds?.[name] ?? "text"]),
  );
  const found: FileRow<z.output<z.ZodObject<Shape>>>[] = [];
  const { rows } = await openTable(path, { columns: kinds, needed: columns.needed });
  for await (const { cells, profile } of rows) {
    const parsed = schema.safeParse(cells);
    if (!parsed.success) {
      const issue = describeIssue(parsed.error.issues[0]!, cells);
      throw new CumaError(`${path}: row ${found.length + 1}: ${issue}`, { cause: parsed.error });
    }
    found.push({ fields: parsed.data, profile });
  }
  return found;
}

/** A text that names something. */
export const idSchema: z.ZodString = z.string().min(1, "expected a text that is not empty");
