import { readPredictions } from "../../../eval/index.ts";
import { openTable } from "../../core/tables/openTable.ts";
import type { Profile } from "../../core/text/index.ts";
import { CumaError } from "../../core/util/index.ts";
import { checkSize } from "./size.ts";

const MAX_BYTES = 512_000_000;
const MAX_ROWS = 1_000_000;
const MAX_COLUMNS = 100;

/** Rows of a file of profiles. */
export interface ProfileRows {
  /** Attributes, in the order of the columns. */
  readonly attributes: readonly string[];
  readonly rows: readonly { readonly profile: Profile; readonly weight: number }[];
  /** Whether they are the distinct profiles of a predictions table, each of weight 1. */
  readonly distinct: boolean;
}

/**
 * Profiles of a table (see `openTable`), one a row: every column is an attribute, an empty cell a missing one, `weight` a
 * number above 0 (1 without the column). Or those of a predictions table.
 * @throws CumaError naming the file, the row (from 1) and the column.
 */
export async function readProfiles(path: string): Promise<ProfileRows> {
  checkSize(path, MAX_BYTES);
  if (await holdsPredictions(path)) return profilesOfPredictions(path);
  const attributes = new Set<string>();
  const found: { profile: Profile; weight: number }[] = [];
  const { rows } = await openTable(path, { columns: { weight: "number" }, needed: [] });
  for await (const { cells, profile: texts } of rows) {
    const { weight } = cells;
    const row = found.length + 1;
    if (row > MAX_ROWS) throw new CumaError(`${path}: expected at most ${MAX_ROWS} profiles, found more`);
    if (weight !== null && !(weight > 0)) {
      throw new CumaError(`${path}: row ${row}: weight: expected a finite number above 0, found ${weight}`);
    }
    const known = Object.entries(texts).map(([name, text]) => [name, text.trim()] as const);
    found.push({ profile: Object.fromEntries(known.filter(([, text]) => text !== "")), weight: weight ?? 1 });
    for (const name of Object.keys(texts)) attributes.add(name);
    if (attributes.size > MAX_COLUMNS) {
      throw new CumaError(`${path}: row ${row}: expected at most ${MAX_COLUMNS} attributes, found more`);
    }
  }
  if (found.length === 0) throw new CumaError(`${path}: expected profiles, one a row; found none`);
  if (attributes.size === 0) throw new CumaError(`${path}: expected a column for each attribute; found none`);
  return { attributes: [...attributes], rows: found, distinct: false };
}

/** Columns by which a predictions table is known. */
const OF_PREDICTIONS = { example_id: "text", question_id: "text", probabilities: "numbers" } as const;

/** Looks at the first row. */
async function holdsPredictions(path: string): Promise<boolean> {
  const { rows } = await openTable(path, { columns: OF_PREDICTIONS, needed: [], attributes: [] });
  for await (const { cells } of rows) return Object.values(cells).every((value) => value !== null);
  return false;
}

async function profilesOfPredictions(path: string): Promise<ProfileRows> {
  const { table } = await readPredictions(path);
  const columns = [...table.attributes];
  if (columns.length === 0)
    throw new CumaError(`${path}: expected predictions with attributes of profiles; found none`);
  const profiles = new Map<string, Profile>();
  for (let row = 0; row < table.rows; row++) {
    const key = columns.map(([, { codes }]) => codes[row]).join();
    if (profiles.has(key)) continue;
    const known = columns.flatMap(([name, { codes, values }]) =>
      codes[row]! < 0 ? [] : [[name, values[codes[row]!]!] as const],
    );
    profiles.set(key, Object.fromEntries(known));
  }
  return {
    attributes: columns.map(([name]) => name),
    rows: [...profiles.values()].map((profile) => ({ profile, weight: 1 })),
    distinct: true,
  };
}
