/** What `cuma route` reads: profiles, texts, a reference grouping, answers. */
import { extname } from "node:path";
import { z } from "zod";
import { emd, readPredictions, type PredictionTable } from "../../../eval/index.ts";
import { checkJson, checkReadable, readJson, readText } from "../../core/io/index.ts";
import { cellOf } from "../../core/tables/cells.ts";
import { CSV, delimited } from "../../core/tables/delimited.ts";
import { openTable } from "../../core/tables/openTable.ts";
import type { Profile } from "../../core/text/index.ts";
import { CumaError, excerpt, formatBytes, show, unknownName } from "../../core/util/index.ts";
import { checkAttributes } from "../model/profileVectors.ts";

const MAX_BYTES = 512_000_000;
const MAX_ROWS = 1_000_000;
const MAX_COLUMNS = 100;
const MAX_TEXT_BYTES = 10_000_000;
const MAX_TEXTS = 10_000;

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
  checkSize(path);
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

/** Texts of a file, one a line; lines that are blank are skipped. @throws CumaError naming the file. */
export function readTexts(path: string): { readonly line: number; readonly text: string }[] {
  const found = readText(path, MAX_TEXT_BYTES)
    .split("\n")
    .map((text, i) => ({ line: i + 1, text: text.trim() }))
    .filter(({ text }) => text !== "");
  if (found.length === 0) throw new CumaError(`${path}: expected one text a line; found none`);
  if (found.length > MAX_TEXTS) {
    throw new CumaError(`${path}: expected at most ${MAX_TEXTS} texts, found ${found.length}`);
  }
  return found;
}

/** Name of a group by its values of the attributes it is made by. */
export function groupName(values: readonly string[]): string {
  return values.join(" / ");
}

/**
 * A reference label for each group: a csv or tsv file with a column for each attribute of `by` and one more, the label;
 * or a json file, an object of group name to label.
 * @returns By group, and the number of entries that name no group.
 * @throws CumaError naming the file and row of what is wrong, groups that have no label, and where every group, or all
 * groups together, have a label of their own: any clusters agree with these.
 */
export async function readReference(
  path: string,
  by: readonly string[],
  groups: readonly string[],
): Promise<{ readonly labels: string[]; readonly unused: number }> {
  const extension = extname(path).toLowerCase();
  checkSize(path, MAX_TEXT_BYTES);
  const labels = new Map<string, string>();
  if (extension === ".json") {
    const schema = z.record(z.string(), z.string().min(1));
    for (const [name, label] of Object.entries(checkJson(path, readJson(path, MAX_TEXT_BYTES), schema))) {
      labels.set(name, label);
    }
  } else if (extension === ".csv" || extension === ".tsv") {
    let row = 0;
    for await (const { cells } of delimited(path, { delimiters: extension === ".csv" ? CSV : ["\t"], columns: by })) {
      row++;
      const others = Object.keys(cells).filter((name) => !by.includes(name));
      if (others.length !== 1) {
        const [beside, found] = [by, others].map((names) => excerpt(names.join(", ")));
        throw new CumaError(
          `${path}: header: expected one column beside ${beside!}, the label; found ${found! || "none"}`,
        );
      }
      const name = groupName(by.map((attribute) => cellOf("text", cells[attribute]!.trim()) ?? ""));
      const label = cells[others[0]!]!.trim();
      if (label === "")
        throw new CumaError(`${path}: row ${row}: ${excerpt(others[0]!)}: expected a label, found nothing`);
      if (labels.has(name))
        throw new CumaError(`${path}: row ${row}: expected each group once, found ${show(name)} again`);
      labels.set(name, label);
    }
  } else {
    throw new CumaError(`${path}: ${unknownName("file extension", extension, [".csv", ".tsv", ".json"])}`);
  }
  const missing = groups.filter((name) => !labels.has(name));
  if (missing.length > 0) {
    const more = missing.length > 5 ? ` and ${missing.length - 5} more` : "";
    throw new CumaError(
      `${path}: expected a label for each group; found none for ${excerpt(missing.slice(0, 5).join(", "))}${more}`,
    );
  }
  const found = groups.map((name) => labels.get(name)!);
  const distinct = new Set(found).size;
  if (distinct < 2 || distinct >= groups.length) {
    throw new CumaError(
      `${path}: expected 2 labels or more, and fewer than the ${groups.length} groups, so that clusters can differ from them; found ${distinct}`,
    );
  }
  return { labels: found, unused: labels.size - groups.length };
}

/** Distances between the true answers of groups. M groups have answers. */
export interface AnswerDistances {
  /** The groups that have answers [M]. */
  readonly members: readonly number[];
  /** [M][M] */
  readonly distances: readonly (readonly number[])[];
  /** Questions that two groups or more answered. */
  readonly questions: number;
  readonly excluded: Readonly<Record<string, number>>;
}

/**
 * Distances between groups in a predictions table: the mean over their common questions of the EMD (total variation where
 * options are no scale) between their true distributions, the weighted means of targets, or histograms of answers.
 * Groups of few answers lie too far apart from all others, as their distributions carry sampling noise.
 * @throws CumaError naming the file, where fewer than three groups have answers or two of them share no question.
 */
export async function answerDistances(
  path: string,
  by: readonly string[],
  groups: readonly string[],
): Promise<AnswerDistances> {
  const { table } = await readPredictions(path);
  checkAttributes(`${path}: by`, by, [...table.attributes.keys()]);
  const { truths, excluded } = trueDistributions(table, by, groups);
  const members = groups.map((_, g) => g).filter((g) => truths[g]!.size > 0);
  if (members.length < 3) {
    throw new CumaError(`${path}: expected answers of 3 groups or more, found those of ${members.length}`);
  }
  const common = new Set<number>();
  const distances = members.map(() => new Array<number>(members.length).fill(0));
  for (const [i, a] of members.entries()) {
    for (const [j, b] of members.slice(0, i).entries()) {
      let sum = 0;
      let shared = 0;
      for (const [question, p] of truths[a]!) {
        const q = truths[b]!.get(question);
        if (!q) continue;
        sum += emd(p, q, p.length, table.questions[question]!.ordered);
        shared++;
        common.add(question);
      }
      if (shared === 0) {
        throw new CumaError(
          `${path}: expected a question that both ${excerpt(groups[b]!)} and ${excerpt(groups[a]!)} answered, found none`,
        );
      }
      distances[i]![j] = distances[j]![i] = sum / shared;
    }
  }
  const without = groups.length - members.length;
  return {
    members,
    distances,
    questions: common.size,
    excluded: { ...excluded, "groups without answers": without },
  };
}

/** By group: the true distribution of each question that it answered. */
function trueDistributions(
  table: PredictionTable,
  by: readonly string[],
  groups: readonly string[],
): { truths: Map<number, Float64Array>[]; excluded: Record<string, number> } {
  const groupOf = new Map(groups.map((name, g) => [name, g]));
  const columns = by.map((name) => table.attributes.get(name)!);
  const sums = groups.map(() => new Map<number, Float64Array>());
  let noGroup = 0;
  let noTruth = 0;
  for (let row = 0; row < table.rows; row++) {
    const values = columns.flatMap(({ codes, values }) => (codes[row]! < 0 ? [] : [values[codes[row]!]!]));
    const g = values.length === by.length ? groupOf.get(groupName(values)) : undefined;
    const from = table.offsets[row]!;
    const options = table.offsets[row + 1]! - from;
    if (g === undefined) noGroup++;
    else if (table.hasTarget[row] !== 1 && table.answer[row]! < 0) noTruth++;
    else {
      const question = table.question[row]!;
      let sum = sums[g]!.get(question);
      if (!sum) sums[g]!.set(question, (sum = new Float64Array(options)));
      const weight = table.weight[row]!;
      if (table.hasTarget[row] === 1) for (let k = 0; k < options; k++) sum[k]! += weight * table.targets[from + k]!;
      else sum[table.answer[row]!]! += weight;
    }
  }
  const truths = sums.map((ofQuestion) => {
    const known = new Map<number, Float64Array>();
    for (const [question, sum] of ofQuestion) {
      const total = sum.reduce((a, b) => a + b, 0);
      if (total > 0)
        known.set(
          question,
          sum.map((value) => value / total),
        );
    }
    return known;
  });
  return { truths, excluded: { "answers of no group": noGroup, "answers that are not known": noTruth } };
}

function checkSize(path: string, maxBytes = MAX_BYTES): void {
  const size = checkReadable(path);
  if (size > maxBytes) {
    throw new CumaError(`${path}: it has ${formatBytes(size)}; expected at most ${formatBytes(maxBytes)}`);
  }
}
