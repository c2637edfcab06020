import { openTable, type AttributeChoice } from "../../src/core/tables/openTable.ts";
import type { Profile } from "../../src/core/text/index.ts";
import { CumaError, excerpt, show, unknownName } from "../../src/core/util/index.ts";
import { checkPath, checkTable, checkTruth } from "../arguments.ts";
import { selectRows, tableOf, type PredictionTable } from "./predictionTable.ts";
import { distributionOf } from "./predictionTableBuilder.ts";

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

const COLUMNS = { question_id: "text", target: "numbers", options: "texts" } as const;

const keyOf = (question: string, values: readonly (string | null)[]): string => JSON.stringify([question, ...values]);

/**
 * Reads true distributions: a table (see `openTable`) with the columns `question_id`, `target` and, if it likes, `options`;
 * every other column is an attribute of profiles, unless `choice` or its name says that it is none. Texts and sums of
 * targets are taken as in predictions (see `readPredictions`).
 * @throws CumaError naming the file and the row (from 1) of what is not as described, or comes twice.
 */
export async function readTruth(
  path: string,
  { attributes: chosen, ignore = [] }: AttributeChoice = {},
): Promise<Truth> {
  checkPath(path);
  const isChosen = (name: string): boolean => !ignore.includes(name) && (chosen?.includes(name) ?? true);
  const found: (TruthRow & { readonly question: string; readonly profile: Profile })[] = [];
  const { rows } = await openTable(path, { columns: COLUMNS, needed: ["question_id", "target"] });
  for await (const { cells, profile } of rows) {
    const row = found.length + 1;
    const fail = (what: string): never => {
      throw new CumaError(`${path}: row ${row}: ${what}`);
    };
    const { options } = cells;
    const question = cells.question_id ?? fail("question_id: expected a text, found nothing");
    const given = cells.target ?? fail("target: expected a list of numbers, found nothing");
    const target = distributionOf("target", given, options?.length ?? given.length, fail);
    found.push({ row, question, profile, target, options });
  }
  if (found.length === 0) throw new CumaError(`${path}: expected true distributions; found no row`);
  const attributes = [...new Set(found.flatMap(({ profile }) => Object.keys(profile)))].filter(isChosen);
  const truths = new Map<string, TruthRow>();
  for (const { question, profile, ...truth } of found) {
    const key = keyOf(
      question,
      attributes.map((name) => profile[name] ?? null),
    );
    const earlier = truths.get(key);
    if (earlier) {
      const again = `expected each question and group once; row ${earlier.row} is of the same`;
      throw new CumaError(`${path}: row ${truth.row}: ${again}`);
    }
    truths.set(key, truth);
  }
  return { source: path, attributes, rows: truths };
}

/**
 * Predictions with other true distributions: a row's target becomes that of its question and of its values of the
 * truth's attributes. Its answer stays, for what is measured on persons. Rows without such a truth are left out.
 * @returns The table, and how many rows were left out.
 * @throws CumaError where no row has an attribute of the truth, options differ, or nothing matches.
 */
export function withTruth(table: PredictionTable, truth: Truth): { table: PredictionTable; unmatched: number } {
  checkTable("table", table);
  checkTruth(truth);
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
    const by = excerpt(["question", ...attributes].join(", "));
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
      `${source}: row ${row}: options: expected those of the predictions for ${show(question)}, ${show(expected)}; found ${show(options)}`,
    );
  }
  if (target.length !== expected.length) {
    throw new CumaError(
      `${source}: row ${row}: target: expected ${expected.length} numbers, one for each option of ${show(question)}, found ${target.length}`,
    );
  }
}
