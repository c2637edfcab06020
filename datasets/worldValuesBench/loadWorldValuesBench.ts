import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { listFolder, readJson, sha256File } from "../../src/core/io/index.ts";
import { openDelimited } from "../../src/core/tables/delimited.ts";
import type { Profile } from "../../src/core/text/index.ts";
import { checkJson, CumaError, excerpt, Rng, show, unknownName } from "../../src/core/util/index.ts";
import { checkLoading } from "../arguments.ts";
import type { ChoiceExample } from "../choiceExample.ts";
import type { LoadOptions, Source } from "../source.ts";
import { KEY } from "./questions.ts";

const BLANK = -128;

/** Profile attributes by the column they come from, in the profile's order. */
const ATTRIBUTES = {
  B_COUNTRY: "country",
  X003R: "age",
  Q260: "gender",
  Q275: "education",
  Q273: "marital_status",
  Q289: "religion",
  Q290: "ethnicity",
  Q279: "employment",
} as const;

export interface WorldValuesBenchOptions extends LoadOptions {
  /** Value questions to load; all when absent. */
  readonly questions?: readonly string[] | undefined;
}

/** A question with the texts of its levels, lowest first. */
export interface ValueQuestion {
  readonly id: string;
  readonly category: string;
  readonly question: string;
  readonly options: readonly string[];
  /** Answer value of the first option. */
  readonly lowest: number;
}

export interface WorldValuesBench extends Source<ChoiceExample> {
  /** The loaded questions, in the order of the metadata. */
  readonly questions: readonly ValueQuestion[];
  readonly participants: number;
  /** Texts of each attribute that occur among the participants. */
  readonly attributeValues: ReadonlyMap<string, ReadonlySet<string>>;
  /** Those of the split's participants, and each text of the codebook on its own. */
  readonly known: readonly Profile[];
  /** The participant's answer, drawn by `limit` or not; undefined where there is none. */
  find(questionId: string, participantId: string): ChoiceExample | undefined;
}

/**
 * Loads a split of WorldValuesBench (Zhao et al. 2024, github.com/Demon702/WorldValuesBench): who people are and their
 * answers to up to 239 ordinal value questions.
 *
 * `dir` is the benchmark's repository or any folder with `question_metadata.json`, `codebook.json` and
 * `answer_adjustment.json` (also inside `dataset_construction/`), and with
 * `{split}/{split}_{demographic,value}_qa.tsv` (also inside `WorldValuesBench/`).
 *
 * One example is one answer. Its options are the levels `answer_scale_min` .. `answer_scale_max` of the adjusted scale,
 * so an adjusted answer always names its own text; the original prompts show unadjusted codes for 15 questions.
 * Attributes that are blank, or whose text stands for a negative code ("No answer"), are left out of the profile.
 * With `limit`, pairs are drawn without replacement, uniformly over all answers, in shuffled order; equal seeds give
 * equal draws. Without it examples come in file order. Answers take one byte each, examples are made when asked for.
 *
 * @throws CumaError naming file, line (the header is line 1) and column for anything that is not as described.
 */
export async function loadWorldValuesBench(
  dir: string,
  split: string,
  options: WorldValuesBenchOptions = {},
): Promise<WorldValuesBench> {
  checkLoading(dir, split, options);
  const { limit, seed = 0, questions: wanted } = options;
  listFolder(dir);
  const json = (name: string) => locate(dir, ["", "dataset_construction", "WorldValuesBench"], name);
  const paths = {
    metadata: json("question_metadata.json"),
    codebook: json("codebook.json"),
    adjustment: json("answer_adjustment.json"),
    demographic: locate(dir, ["", "WorldValuesBench"], `${split}/${split}_demographic_qa.tsv`),
    value: locate(dir, ["", "WorldValuesBench"], `${split}/${split}_value_qa.tsv`),
  };
  const inDir = (path: string) => join(dir, path);
  const codebook = checkJson(inDir(paths.codebook), readJson(inDir(paths.codebook)), codebookSchema);
  const all = valueQuestions(dir, paths, codebook);
  const questions = select(all, wanted);
  const people = await readDemographic(inDir(paths.demographic), codebook);
  const { participants, answers } = await readAnswers(inDir(paths.value), all, questions, people, paths.demographic);
  const profiles = participants.map((id) => people.get(id)!.profile);
  const rows = new Map(participants.map((id, row) => [id, row]));
  const columns = new Map(questions.map(({ id }, column) => [id, column]));

  let pairs = answered(answers);
  if (limit !== undefined) pairs = draw(pairs, limit, new Rng(seed, "worldValuesBench", split));

  const files: Record<string, string> = {};
  for (const path of Object.values(paths)) files[path] = await sha256File(inDir(path));

  const example = (pair: number): ChoiceExample => {
    const row = Math.floor(pair / questions.length);
    const { id, question, options, lowest } = questions[pair % questions.length]!;
    const participantId = participants[row]!;
    return {
      id: `${participantId}:${id}`,
      questionId: id,
      participantId,
      profile: profiles[row]!,
      question,
      options,
      ordered: true,
      answer: answers[pair]! - lowest,
      target: null,
      weight: 1,
    };
  };
  return {
    length: pairs.length,
    at(index) {
      const pair = pairs[index];
      if (pair === undefined) throw new RangeError(`expected an index in [0, ${pairs.length}); found ${index}`);
      return example(pair);
    },
    attributes: Object.values(ATTRIBUTES),
    files,
    questions,
    participants: participants.length,
    attributeValues: valuesOf(profiles),
    known: [...profiles, ...codebookProfiles(codebook)],
    find(questionId, participantId) {
      const row = rows.get(participantId);
      const column = columns.get(questionId);
      if (row === undefined || column === undefined) return undefined;
      const pair = row * questions.length + column;
      return answers[pair] === BLANK ? undefined : example(pair);
    },
  };
}

const level = z.int().min(0).max(127);
const metadataSchema = z.record(
  z.string(),
  z.discriminatedUnion("use_case", [
    z.object({ use_case: z.literal("demographic") }),
    z.object({
      use_case: z.literal("value"),
      question: z.string().min(1),
      category: z.string(),
      answer_scale_min: level,
      answer_scale_max: level,
    }),
  ]),
);
const codebookSchema = z.record(z.string(), z.object({ choices: z.record(z.string(), z.string()) }));
type Codebook = z.infer<typeof codebookSchema>;
const adjustmentSchema = z.record(z.string(), z.record(z.string(), z.string()));

function valueQuestions(
  dir: string,
  paths: { readonly metadata: string; readonly codebook: string; readonly adjustment: string },
  codebook: Codebook,
): ValueQuestion[] {
  const metadataPath = join(dir, paths.metadata);
  const codebookPath = join(dir, paths.codebook);
  const adjustments = checkJson(join(dir, paths.adjustment), readJson(join(dir, paths.adjustment)), adjustmentSchema);
  return Object.entries(checkJson(metadataPath, readJson(metadataPath), metadataSchema)).flatMap(([id, entry]) => {
    if (entry.use_case !== "value") return [];
    const { question, category, answer_scale_min: lowest, answer_scale_max: highest } = entry;
    if (highest <= lowest) {
      const found = `${lowest} to ${highest}`;
      throw new CumaError(
        `${metadataPath}: ${excerpt(id)}: expected answer_scale_min < answer_scale_max; found ${found}`,
      );
    }
    const choices = codebook[id]?.choices;
    if (!choices)
      throw new CumaError(`${codebookPath}: ${excerpt(id)}: expected an entry for this question; found none`);
    const adjusted = adjustments[id] ?? {};
    const options = Array.from({ length: highest - lowest + 1 }, (_, k) => {
      const codes = Object.keys(choices).filter((code) => (adjusted[code] ?? code) === String(lowest + k));
      const code = codes.find((code) => code === String(lowest + k)) ?? codes[0];
      const text = code === undefined ? "" : choices[code]!.trim();
      if (text === "")
        throw new CumaError(`${codebookPath}: ${excerpt(id)}: expected a text for level ${lowest + k}; found none`);
      return text;
    });
    return [{ id, category, question: question.trim(), options, lowest }];
  });
}

function select(all: readonly ValueQuestion[], wanted: readonly string[] | undefined): readonly ValueQuestion[] {
  if (!wanted) return all;
  const ids = all.map(({ id }) => id);
  const unknown = wanted.find((id) => !ids.includes(id));
  if (unknown !== undefined) throw new CumaError(unknownName("question", unknown, ids));
  if (wanted.length === 0) throw new CumaError("questions: expected at least one; found none");
  return all.filter(({ id }) => wanted.includes(id));
}

type People = Map<string, { readonly line: number; readonly profile: Profile }>;

async function readDemographic(path: string, codebook: Codebook): Promise<People> {
  const { header, rows } = await openDelimited(path, {
    delimiters: ["\t"],
    columns: [KEY, ...Object.keys(ATTRIBUTES)],
  });
  const key = header.indexOf(KEY);
  const columns = Object.entries(ATTRIBUTES).map(([column, name]) => {
    const choices = Object.entries(codebook[column]?.choices ?? {});
    const known = new Set(choices.filter(([code]) => !code.startsWith("-")).map(([, text]) => text));
    const missing = choices.filter(([code, text]) => code.startsWith("-") && !known.has(text));
    return { name, index: header.indexOf(column), missing: new Set(missing.map(([, text]) => text)) };
  });
  // One string per distinct text, not one per cell.
  const texts = new Map<string, string>();
  const people: People = new Map();
  for await (const { line, fields } of rows) {
    const profile: Record<string, string> = {};
    for (const { name, index, missing } of columns) {
      const text = fields[index]!.trim();
      if (text === "" || missing.has(text)) continue;
      if (!texts.has(text)) texts.set(text, text);
      profile[name] = texts.get(text)!;
    }
    const id = participant(path, line, fields[key]!);
    const other = people.get(id);
    if (other) throw duplicate(path, line, id, other.line);
    people.set(id, { line, profile });
  }
  return people;
}

/** Answers [participants x questions], `BLANK` where there is none. */
async function readAnswers(
  path: string,
  all: readonly ValueQuestion[],
  questions: readonly ValueQuestion[],
  people: People,
  demographicPath: string,
): Promise<{ participants: string[]; answers: Int8Array }> {
  const { header, rows } = await openDelimited(path, {
    delimiters: ["\t"],
    columns: [KEY, ...questions.map(({ id }) => id)],
  });
  const known = [KEY, ...all.map(({ id }) => id)];
  const unknown = header.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new CumaError(`${path}: header: ${unknownName("question column", unknown, known)}`);
  const key = header.indexOf(KEY);
  const columns = questions.map(({ id, lowest, options }) => ({
    id,
    index: header.indexOf(id),
    lowest,
    highest: lowest + options.length - 1,
  }));
  const lines = new Map<string, number>();
  const answers = new Int8Array(people.size * questions.length).fill(BLANK);
  for await (const { line, fields } of rows) {
    const id = participant(path, line, fields[key]!);
    const other = lines.get(id);
    if (other !== undefined) throw duplicate(path, line, id, other);
    if (!people.has(id)) {
      throw new CumaError(
        `${path}:${line}: ${KEY}: expected a participant of ${demographicPath}; found ${excerpt(id)}`,
      );
    }
    const start = lines.size * questions.length;
    lines.set(id, line);
    columns.forEach(({ id: question, index, lowest, highest }, column) => {
      const text = fields[index]!;
      if (text === "") return;
      const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
      if (!(value >= lowest && value <= highest)) {
        const expected = Number.isNaN(value) ? "an integer or nothing" : `an answer from ${lowest} to ${highest}`;
        throw new CumaError(`${path}:${line}: ${excerpt(question)}: expected ${expected}; found ${show(text)}`);
      }
      answers[start + column] = value;
    });
  }
  for (const [id, { line }] of people) {
    if (lines.has(id)) continue;
    throw new CumaError(`${demographicPath}:${line}: ${KEY}: expected a participant of ${path}; found ${excerpt(id)}`);
  }
  return { participants: [...lines.keys()], answers };
}

function participant(path: string, line: number, id: string): string {
  if (id === "") throw new CumaError(`${path}:${line}: ${KEY}: expected a participant; found nothing`);
  return id;
}

function duplicate(path: string, line: number, id: string, other: number): CumaError {
  const found = `${excerpt(id)} on line ${other} too`;
  return new CumaError(`${path}:${line}: ${KEY}: expected each participant once; found ${found}`);
}

/** Positions of the cells that hold an answer. */
function answered(answers: Int8Array): Uint32Array {
  const pairs = new Uint32Array(answers.reduce((sum, value) => sum + Number(value !== BLANK), 0));
  let n = 0;
  for (let i = 0; i < answers.length; i++) if (answers[i] !== BLANK) pairs[n++] = i;
  return pairs;
}

/** A uniform sample in random order: the first steps of a Fisher-Yates shuffle. Reorders `pairs`. */
function draw(pairs: Uint32Array, limit: number, rng: Rng): Uint32Array {
  const n = Math.min(limit, pairs.length);
  for (let i = 0; i < n; i++) {
    const j = i + rng.below(pairs.length - i);
    const drawn = pairs[j]!;
    pairs[j] = pairs[i]!;
    pairs[i] = drawn;
  }
  return pairs.slice(0, n);
}

function valuesOf(profiles: readonly Profile[]): ReadonlyMap<string, ReadonlySet<string>> {
  const values = new Map<string, Set<string>>(Object.values(ATTRIBUTES).map((name) => [name, new Set()]));
  for (const profile of profiles) for (const [name, text] of Object.entries(profile)) values.get(name)!.add(text);
  return values;
}

/** A profile of one attribute for each text that is an answer. */
function codebookProfiles(codebook: Codebook): Profile[] {
  return Object.entries(ATTRIBUTES).flatMap(([column, name]) =>
    Object.entries(codebook[column]?.choices ?? {}).flatMap(([code, text]) =>
      code.startsWith("-") ? [] : [{ [name]: text.trim() }],
    ),
  );
}

/** The first of the folders that has the file, as a path relative to `dir`. */
function locate(dir: string, folders: readonly string[], name: string): string {
  const candidates = folders.map((folder) => (folder === "" ? name : `${folder}/${name}`));
  const found = candidates.find((path) => existsSync(join(dir, path)));
  if (found === undefined) throw new CumaError(`${dir}: expected a file ${candidates.join(" or ")}; found none`);
  return found;
}
