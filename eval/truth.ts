import * as z from "zod";
import { CumaError, unknownName } from "../src/util/index.ts";
import { checkPath, checkTable } from "./arguments.ts";
import { distributionOf, selectRows, tableOf, type PredictionTable } from "./predictions.ts";
import { openTable } from "./tableFile.ts";

/** True distributions by question and by the attributes that a truth file has. */
export interface Truth {
  readonly source: string;
  readonly attributes: readonly string[];
  /** By `keyOf`. */
  readonly rows: ReadonlyMap<string, TruthRow>;
}

interface TruthRow {
  /** In the file, from 1. */
  readonly row: number;
  readonly target: readonly number[];
  /** null: those of the predictions, which must be as many. */
  readonly options: readonly string[] | null;
}

const COLUMNS = ["question_id", "target"];
const JSON_COLUMNS: ReadonlySet<string> = new Set(["target", "options"]);

const rowSchema = z.looseObject({
  question_id: z.string().min(1),
  target: z.array(z.number()),
  options: z.array(z.string()).nullish(),
});

const keyOf = (question: string, values: readonly (string | null)[]): string => JSON.stringify([question, ...values]);

/**
 * Reads true distributions: a table (Parquet, Arrow IPC, JSON lines, CSV or TSV) with the columns `question_id`, `target`
 * and, if it likes, `options`; every other column is an attribute of profiles. Lists are JSON in CSV and TSV. Texts and
 * sums of targets are taken as in predictions (see `readPredictions`).
 * @throws CumaError naming the file and the row (from 1) of what is not as described, or comes twice.
 */
export async function readTruth(path: string): Promise<Truth> {
  checkPath(path);
  const rows = new Map<string, TruthRow>();
  const { records } = await openTable(path, COLUMNS, JSON_COLUMNS);
  let attributes: string[] | undefined;
  let row = 0;
  for await (const record of records) {
    row++;
    const fail = (what: string): never => {
      throw new CumaError(`${path}: row ${row}: ${what}`);
    };
    const parsed = rowSchema.safeParse(record);
    if (!parsed.success) {
      const { path: at, message } = parsed.error.issues[0]!;
      return fail(`${at.length === 0 ? "" : `${at.join(".")}: `}${message}`);
    }
    const { question_id: question, target: given, options = null, ...profile } = parsed.data;
    attributes ??= Object.keys(profile);
    const names = Object.keys(profile);
    if (names.join() !== attributes.join()) {
      fail(
        `expected the attributes of the rows before, ${attributes.join(", ") || "none"}; found ${names.join(", ") || "none"}`,
      );
    }
    const values = attributes.map((name) => {
      const value = profile[name];
      if (typeof value === "string" || value === null) return value;
      return fail(`${name}: expected a text or null, found ${JSON.stringify(value)}`);
    });
    const target = distributionOf("target", given, options?.length ?? given.length, fail);
    const key = keyOf(question, values);
    const earlier = rows.get(key);
    if (earlier) fail(`expected each question and group once; row ${earlier.row} is of the same`);
    rows.set(key, { row, target, options });
  }
  if (row === 0) throw new CumaError(`${path}: expected true distributions; found no row`);
  return { source: path, attributes: attributes ?? [], rows };
}

/**
 * Predictions with other true distributions: a row's target becomes that of its question and of its values of the
 * truth's attributes. Its answer stays, for what is measured on persons. Rows without such a truth are left out.
 * @returns The table, and how many rows were left out.
 * @throws CumaError where no row has an attribute of the truth, options differ, or nothing matches.
 */
export function withTruth(table: PredictionTable, truth: Truth): { table: PredictionTable; unmatched: number } {
  checkTable("table", table);
  const { source, attributes, rows: truths } = truth;
  const columns = attributes.map((name) => {
    const column = table.attributes.get(name);
    if (!column) throw new CumaError(`${source}: ${unknownName("attribute", name, table.attributes.keys())}`);
    return column;
  });
  const rows: number[] = [];
  const found: TruthRow[] = [];
  for (let row = 0; row < table.rows; row++) {
    const { id, options } = table.questions[table.question[row]!]!;
    const match = truths.get(
      keyOf(
        id,
        columns.map(({ codes, values }) => values[codes[row]!] ?? null),
      ),
    );
    if (!match) continue;
    checkOptions(source, match, id, options);
    rows.push(row);
    found.push(match);
  }
  if (rows.length === 0) {
    const by = ["question", ...attributes].join(", ");
    throw new CumaError(`${source}: expected the truth of some prediction; none matches by ${by}`);
  }
  const selected = selectRows(table, rows);
  const targets = new Float64Array(selected.probabilities.length);
  for (const [i, { target }] of found.entries()) targets.set(target, selected.offsets[i]);
  const hasTarget = new Uint8Array(rows.length).fill(1);
  return { table: tableOf({ ...selected, targets, hasTarget }), unmatched: table.rows - rows.length };
}

function checkOptions(source: string, truth: TruthRow, question: string, expected: readonly string[]): void {
  const { row, target, options } = truth;
  if (options && JSON.stringify(options) !== JSON.stringify(expected)) {
    throw new CumaError(
      `${source}: row ${row}: options: expected those of the predictions for "${question}", ${JSON.stringify(expected)}; found ${JSON.stringify(options)}`,
    );
  }
  if (target.length !== expected.length) {
    throw new CumaError(
      `${source}: row ${row}: target: expected ${expected.length} numbers, one for each option of "${question}", found ${target.length}`,
    );
  }
}
