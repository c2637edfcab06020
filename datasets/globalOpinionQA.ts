import { createHash } from "node:crypto";
import { join, relative } from "node:path";
import { z } from "zod";
import { listFolder, readJson, sha256File } from "../src/core/io/index.ts";
import { isTable } from "../src/core/tables/formats.ts";
import { openTable } from "../src/core/tables/openTable.ts";
import type { Profile } from "../src/core/text/index.ts";
import { checkJson, CumaError, excerpt, Rng, show } from "../src/core/util/index.ts";
import { checkLoading } from "./arguments.ts";
import type { ChoiceExample } from "./choiceExample.ts";
import { isNonResponse, isScale, scaleOrder } from "./scales.ts";
import type { LoadOptions, Source } from "./source.ts";

const OVERRIDES_FILE = "scales.json";
/** Options that a prompt can letter. */
const MAX_OPTIONS = 26;
/** How far from 1 a distribution may sum without being counted as renormalised. */
const SUM_TOLERANCE = 1e-6;

/** How a table holds distributions: a country's in a row, or all countries' of a question. */
const COLUMNS = {
  question: "verbatim",
  options: "texts",
  country: "text",
  distribution: "numbers",
  selections: "numbersByName",
} as const;

/** What stands beside the table in folders that the library "datasets" saved. */
const BESIDE = ["dataset_info.json", "state.json"];

interface CountryRecord {
  readonly country: string;
  readonly question: string;
  readonly options: readonly string[];
  readonly distribution: readonly number[];
}

const overridesSchema = z.record(z.string(), z.boolean());

/**
 * Loads GlobalOpinionQA (Durmus et al. 2023, arXiv 2306.16388): how the people of a country answered a question of the
 * World Values Survey or of Pew's Global Attitudes Survey. One example is one (question, country), its truth the country's
 * distribution.
 *
 * `dir` holds one table (also inside `data/`; see `openTable`) with `country`, `question`, `options`, `distribution`, or the
 * hub's `question`, `selections` (country -> distribution) and `options`: lists and dictionaries, or texts that print them.
 *
 * - Options that are no answer ("DK/Refused", "No answer", "Missing ...", "Total N=") are dropped and the others renormalised; so are
 *   distributions that do not sum to 1. Rows of which nothing is left, and questions with fewer than 2 options, are left out. All of
 *   it is counted in `notes`.
 * - Options are a scale by the rule of `isScale`; `scales.json` in the folder overrides it: { question text: true or false }.
 * - Splits are drawn by the question's text, so that none is in two: 70% train, 10% valid, 20% test.
 *
 * @throws CumaError naming the file, and the row (from 1) and field that is not as described.
 */
export async function loadGlobalOpinionQA(
  dir: string,
  split: string,
  options: LoadOptions = {},
): Promise<Source<ChoiceExample>> {
  checkLoading(dir, split, options);
  const { limit, seed = 0 } = options;
  const { path, overrides } = locate(dir);
  const ordered = overrides === null ? {} : checkJson(overrides, readJson(overrides), overridesSchema);
  const notes: Record<string, number> = {};
  const seen = new Set<string>();
  const unused = new Set(Object.keys(ordered));
  const known = new Map<string, Profile>();
  let examples: ChoiceExample[] = [];
  for await (const { where, record } of readRecords(path)) {
    unused.delete(record.question);
    const example = toExample(record, where, ordered, notes);
    if (!example) continue;
    if (seen.has(example.id)) {
      throw new CumaError(`${where}: ${show(record.country)} has an earlier row for this question; expected one`);
    }
    seen.add(example.id);
    known.set(example.profile["country"]!, example.profile);
    if (split === "full" || splitOf(record.question) === split) examples.push(example);
  }
  const [stray] = unused;
  if (stray !== undefined) throw new CumaError(`${overrides!}: ${show(stray)} is no question of ${path}`);
  if (limit !== undefined) examples = new Rng(seed, "globalOpinionQA", split).shuffle(examples).slice(0, limit);
  const files: Record<string, string> = {};
  for (const file of overrides === null ? [path] : [path, overrides])
    files[relative(dir, file)] = await sha256File(file);
  return {
    length: examples.length,
    at(index) {
      const example = examples[index];
      if (!example) throw new RangeError(`expected an index in [0, ${examples.length}); found ${index}`);
      return example;
    },
    attributes: ["country"],
    known: [...known.values()],
    files,
    notes,
  };
}

function locate(dir: string): { path: string; overrides: string | null } {
  const tables = (folder: string): string[] =>
    listFolder(folder).filter((name) => isTable(name) && name !== OVERRIDES_FILE && !BESIDE.includes(name));
  const names = tables(dir);
  const folder = names.length === 0 && listFolder(dir).includes("data") ? join(dir, "data") : dir;
  const found = folder === dir ? names : tables(folder);
  if (found.length !== 1) {
    const expected = "expected one table (json, jsonl, csv, parquet, arrow)";
    throw new CumaError(`${folder}: ${expected}; found ${excerpt(found.join(", ")) || "none"}`);
  }
  const overrides = listFolder(dir).includes(OVERRIDES_FILE) ? join(dir, OVERRIDES_FILE) : null;
  return { path: join(folder, found[0]!), overrides };
}

/** The records of each row of a table. */
async function* readRecords(path: string): AsyncGenerator<{ readonly where: string; readonly record: CountryRecord }> {
  const { rows } = await openTable(path, { columns: COLUMNS, needed: ["question", "options"], attributes: [] });
  let row = 0;
  for await (const { cells } of rows) {
    const where = `${path}: row ${++row}`;
    const { country, distribution, selections } = cells;
    const needed = <T>(name: string, value: T | null): T => {
      if (value === null) throw new CumaError(`${where}: ${name}: expected a value, found nothing`);
      return value;
    };
    const question = needed("question", cells.question);
    const options = needed("options", cells.options);
    if (selections === null && country === null && distribution === null) {
      throw new CumaError(`${where}: expected "selections", or "country" and "distribution"; found none of them`);
    }
    const byCountry = selections ?? { [needed("country", country)]: needed("distribution", distribution) };
    for (const [name, shares] of Object.entries(byCountry)) {
      yield { where, record: { country: name, question, options, distribution: shares } };
    }
  }
}

function toExample(
  { country, question, options, distribution }: CountryRecord,
  where: string,
  overrides: Readonly<Record<string, boolean>>,
  notes: Record<string, number>,
): ChoiceExample | undefined {
  const count = (what: string): void => {
    notes[what] = (notes[what] ?? 0) + 1;
  };
  if (distribution.length !== options.length) {
    const found = `${distribution.length} numbers for ${options.length} options`;
    throw new CumaError(`${where}: distribution: expected one number for each option, found ${found}`);
  }
  const negative = distribution.findIndex((p) => !(p >= 0));
  if (negative >= 0) {
    throw new CumaError(`${where}: distribution[${negative}]: expected 0 or more, found ${distribution[negative]}`);
  }
  const total = distribution.reduce((sum, p) => sum + p, 0);
  if (Math.abs(total - 1) > SUM_TOLERANCE) count("distributions that did not sum to 1, renormalised");
  const kept = options.map((_, k) => k).filter((k) => !isNonResponse(options[k]!));
  const mass = kept.reduce((sum, k) => sum + distribution[k]!, 0);
  if (kept.length < 2 || kept.length > MAX_OPTIONS || !(mass > 0)) {
    count(mass > 0 ? `rows left out: not 2 to ${MAX_OPTIONS} options` : "rows left out: nobody answered");
    return undefined;
  }
  if (kept.length < options.length) count("rows whose non-responses were dropped");
  const texts = kept.map((k) => options[k]!.trim());
  const order = scaleOrder(texts);
  const listed = order.map((i) => texts[i]!);
  const id = questionId(question, listed);
  const profile: Profile = { country: country.replace(/ \(Current national sample\)$/, "") };
  return {
    id: `${id}: ${profile["country"]!}`,
    questionId: id,
    participantId: null,
    profile,
    question: question.trim(),
    options: listed,
    ordered: overrides[question] ?? isScale(listed),
    answer: null,
    target: order.map((i) => distribution[kept[i]!]! / mass),
    weight: 1,
  };
}

/** A question is its text and its options: surveys ask the same words with other options. */
function questionId(question: string, options: readonly string[]): string {
  return sha256(JSON.stringify([question, options]))
    .toString("hex")
    .slice(0, 16);
}

function splitOf(question: string): string {
  const at = sha256(`split ${question}`).readUInt32BE(0) / 2 ** 32;
  return at < 0.7 ? "train" : at < 0.8 ? "valid" : "test";
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
