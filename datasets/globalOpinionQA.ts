import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { z } from "zod";
import { checkJson, fileError, listFolder, readCsv, readJson, sha256File } from "../src/io/index.ts";
import { readColumnar } from "../src/io/parquet.ts";
import type { Profile } from "../src/models/index.ts";
import { CumaError, messageOf, Rng, unknownName } from "../src/util/index.ts";
import { parsePythonLiteral } from "./pythonLiteral.ts";
import type { ChoiceExample, ExampleSource, LoadOptions } from "./records.ts";
import { isNonResponse, isScale, scaleOrder } from "./scales.ts";

const SPLITS = ["train", "valid", "test", "full"];
const EXTENSIONS = [".json", ".csv", ".parquet"];
const OVERRIDES_FILE = "scales.json";
const MAX_BYTES = 256_000_000;
/** Options that a prompt can letter. */
const MAX_OPTIONS = 26;
/** How far from 1 a distribution may sum without being counted as renormalised. */
const SUM_TOLERANCE = 1e-6;

const optionSchema = z.union([z.string(), z.number()]).transform(String);
const recordSchema = z.object({
  country: z.string().min(1),
  question: z.string().min(1),
  options: z.array(optionSchema).min(1),
  distribution: z.array(z.number()),
});
type Record_ = z.infer<typeof recordSchema>;

const overridesSchema = z.record(z.string(), z.boolean());

/**
 * Loads GlobalOpinionQA (Durmus et al. 2023, arXiv 2306.16388): how the people of a country answered a question of the
 * World Values Survey or of Pew's Global Attitudes Survey. One example is one (question, country), its truth the country's
 * distribution.
 *
 * `dir` holds one .json, .csv or .parquet file (also inside `data/`): a list of { country, question, options, distribution },
 * or the hub's table with `question`, `selections` (country -> distribution) and `options` as Python texts.
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
  { limit, seed = 0 }: LoadOptions = {},
): Promise<ExampleSource> {
  if (!SPLITS.includes(split)) throw new CumaError(unknownName("split", split, SPLITS));
  const { path, overrides } = locate(dir);
  const ordered = overrides === null ? {} : checkJson(overrides, readJson(overrides), overridesSchema);
  const notes: Record<string, number> = {};
  const seen = new Set<string>();
  const unused = new Set(Object.keys(ordered));
  const known = new Map<string, Profile>();
  let examples: ChoiceExample[] = [];
  for (const [i, record] of readRecords(path).entries()) {
    const where = `${path}: row ${i + 1}`;
    unused.delete(record.question);
    const example = toExample(record, where, ordered, notes);
    if (!example) continue;
    if (seen.has(example.id)) {
      throw new CumaError(`${where}: "${record.country}" has an earlier row for this question; expected one`);
    }
    seen.add(example.id);
    known.set(example.profile["country"]!, example.profile);
    if (split === "full" || splitOf(record.question) === split) examples.push(example);
  }
  const [stray] = unused;
  if (stray !== undefined) throw new CumaError(`${overrides!}: "${stray}" is no question of ${path}`);
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
  const names = listFolder(dir).filter((name) => EXTENSIONS.includes(extname(name)) && name !== OVERRIDES_FILE);
  const folder = names.length === 0 && listFolder(dir).includes("data") ? join(dir, "data") : dir;
  const found = folder === dir ? names : listFolder(folder).filter((name) => EXTENSIONS.includes(extname(name)));
  if (found.length !== 1) {
    throw new CumaError(`${folder}: expected one ${EXTENSIONS.join(", ")} file; found ${found.join(", ") || "none"}`);
  }
  const overrides = listFolder(dir).includes(OVERRIDES_FILE) ? join(dir, OVERRIDES_FILE) : null;
  return { path: join(folder, found[0]!), overrides };
}

function readRecords(path: string): Record_[] {
  if (extname(path) === ".json") return checkJson(path, readJson(path, MAX_BYTES), z.array(recordSchema));
  const rows = extname(path) === ".csv" ? readCsv(path, MAX_BYTES) : parquetRows(path);
  return rows.flatMap((row, i) => hubRecords(`${path}: row ${i + 1}`, row));
}

function parquetRows(path: string): Record<string, unknown>[] {
  let size: number;
  try {
    ({ size } = statSync(path));
  } catch (error) {
    throw fileError(path, "cannot be read", error);
  }
  if (size > MAX_BYTES) throw new CumaError(`${path}: expected at most ${MAX_BYTES} bytes, found ${size}`);
  return readColumnar(path)
    .toArray()
    .map((row: { toJSON(): Record<string, unknown> }) => row.toJSON());
}

const hubSchema = z.object({ question: z.string().min(1), selections: z.string(), options: z.string() });
const flatSchema = z.object({
  country: z.string(),
  question: z.string(),
  options: z.string(),
  distribution: z.string(),
});

/** The records of one table row: that of one country, or all countries of a question. */
function hubRecords(where: string, row: Record<string, unknown>): Record_[] {
  const literal = (name: string): unknown => {
    try {
      return parsePythonLiteral(String(row[name]));
    } catch (error) {
      throw new CumaError(`${where}: ${name}: is no list or dictionary: ${messageOf(error)}`, { cause: error });
    }
  };
  const flat = flatSchema.safeParse(row).data;
  if (flat) {
    const record = { ...flat, options: literal("options"), distribution: literal("distribution") };
    return [checkJson(where, record, recordSchema)];
  }
  const { question } = checkJson(where, row, hubSchema);
  const selections = checkJson(where, literal("selections"), z.record(z.string(), z.array(z.number())));
  return Object.entries(selections).map(([country, distribution]) =>
    checkJson(where, { country, question, options: literal("options"), distribution }, recordSchema),
  );
}

function toExample(
  { country, question, options, distribution }: Record_,
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
  const reader: Profile = { country: country.replace(/ \(Current national sample\)$/, "") };
  return {
    id: `${id}: ${reader["country"]!}`,
    questionId: id,
    participantId: null,
    profile: reader,
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
