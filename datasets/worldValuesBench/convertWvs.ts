import { createHash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { parse as parseCsv } from "csv-parse";
import { z } from "zod";
import {
  checkJson,
  checkReadable,
  fileError,
  listFolder,
  isLockFile,
  lockFolder,
  makeFolder,
  readBytes,
  readJson,
  syncFolder,
  writeFileAtomic,
} from "../../src/core/io/index.ts";
import { checkArgument, count, CumaError, excerpt, MersenneTwister, show } from "../../src/core/util/index.ts";
import { wvsSchema } from "../arguments.ts";

const KEY = "D_INTERVIEW";
/** The number that many interviews of version 5 share; the benchmark leaves them all out. */
const DROPPED = "858069901";
const METADATA = ["question_metadata.json", "codebook.json", "answer_adjustment.json"] as const;
const SPLITS = ["full", "train", "valid", "test"] as const;
const KINDS = ["demographic", "value"] as const;
const TEMPORARY = ".tmp";
const MAX_METADATA_BYTES = 512_000_000;

export type WvsSplit = (typeof SPLITS)[number];

export interface WvsOptions {
  /** The survey's csv file. */
  readonly wvs: string;
  /** Folder with the benchmark's three json files, themselves or inside `dataset_construction/`. */
  readonly metadataDir: string;
  /** Folder to write; made when absent. */
  readonly out: string;
  /** Replace the files of these names in a folder that is not empty; others stay. */
  readonly overwrite?: boolean | undefined;
  /** Bytes of the csv that are read, and its size. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface WvsConversion {
  readonly csv: {
    readonly sha256: string;
    readonly interviews: number;
    /** Interviews left out: those that share the number 858069901. */
    readonly dropped: number;
  };
  readonly questions: { readonly demographic: number; readonly value: number };
  readonly participants: Readonly<Record<WvsSplit, number>>;
  /** Answers to value questions; the benchmark's 21,492,393, 15,042,191, 3,225,712 and 3,224,490 for version 5. */
  readonly answers: Readonly<Record<WvsSplit, number>>;
  /** Value questions without an answer in `full`, by reason. */
  readonly blanks: Readonly<Record<Blank, number>>;
  /** Demographic cells of `full` whose code the codebook lacks, so that the code stands for the text, by column. */
  readonly unknownCodes: Readonly<Record<string, number>>;
}

/** Why there is no answer: a negative code, one that the adjustment takes away, or nothing in the csv. */
type Blank = "missingCode" | "adjustedAway" | "empty";

/**
 * Makes WorldValuesBench's files from the csv of the World Values Survey, wave 7: `{split}/{split}_{demographic,value}_qa.tsv`
 * for full, train, valid and test, with copies of the three json files, so that `loadWorldValuesBench(out, split)` reads them.
 *
 * Columns are `D_INTERVIEW` and then the questions in the order of the metadata. A cell is decided in three steps:
 * 1. the code is read as an integer (`3` or `3.0`), and replaced if `answer_adjustment.json` says so; by "" is no answer;
 * 2. an ordinal question (all value questions, and Q288) gets the number, or nothing if it is negative;
 * 3. any other gets the codebook's text, of negative codes too ("No answer"); where the codebook has no code but negative
 *    ones (Q262, the age) or lacks this one, the number.
 *
 * `full` is in the order of the csv. The others are its rows as `splitParticipants` has them, in shuffled order. The csv
 * may be separated by `;` or `,`, its fields quoted. It is read once; rows stay in memory as text, about 1.5 kB each.
 *
 * The benchmark was made from version 5, where 93,278 interviews remain. Version 6 has other interviews: the same rules
 * apply, but its split is another one, and codes that are new in it appear as `unknownCodes`. The survey's "inverted"
 * csv is no input: its reversed questions have names like Q1P.
 *
 * Files are written under temporary names. When all are complete, old ones are removed and the new ones renamed, so that
 * an interrupted run leaves the old files, or lacks some; it never leaves part of a file, or old beside new.
 *
 * Departures from the original script: what it lets pass is an error here (a value question's code that the codebook
 * lacks, an answer off its scale, interviews of one number); an empty ordinal cell, which stops it, is no answer; a
 * negative demographic code that the codebook lacks is blank, not a number.
 *
 * @throws CumaError naming file, line (the header is line 1) and column for anything that is not as described; where
 * `out` has files and `overwrite` is not given; where another process is writing there.
 * Source: github.com/Demon702/WorldValuesBench, dataset_construction/data_preparation.py at cd7b4bb.
 */
export async function convertWvs(options: WvsOptions): Promise<WvsConversion> {
  checkArgument("options", wvsSchema, options);
  const { wvs, metadataDir, out, overwrite = false } = options;
  listFolder(metadataDir);
  const metadata = readMetadata(metadataDir);
  const form = examine(wvs);
  makeFolder(out);
  const unlock = lockFolder(out);
  try {
    const names = listFolder(out).filter((name) => !isLockFile(name));
    if (names.length > 0 && !overwrite) {
      const some = names.slice(0, 3).join(", ");
      throw new CumaError(
        `${out}: the folder has files in it (${some}); give --overwrite to replace the data set in it, or another folder`,
      );
    }
    const { rows, ...read } = await readSurvey(wvs, form, metadata.questions, options.onProgress);
    const full = Uint32Array.from(rows.answers, (_, row) => row);
    const splits = { full, ...splitParticipants(rows.answers.length) };
    write(out, splits, rows, metadata);
    return {
      ...read,
      participants: forEachSplit((split) => splits[split].length),
      answers: forEachSplit((split) => splits[split].reduce((sum, row) => sum + rows.answers[row]!, 0)),
    };
  } finally {
    unlock();
  }
}

/**
 * The benchmark's split of n participants: rows 0 to n - 1 in the order that CPython's `random.seed(0)` and
 * `random.shuffle` give them; the first 70% are train, the next 15% test (both rounded down), the rest valid.
 */
export function splitParticipants(n: number): Record<Exclude<WvsSplit, "full">, Uint32Array> {
  const order = new MersenneTwister(0).shuffle(Uint32Array.from({ length: n }, (_, row) => row));
  const trainEnd = Math.floor(0.7 * n);
  const testEnd = trainEnd + Math.floor(0.15 * n);
  return {
    train: order.subarray(0, trainEnd),
    valid: order.subarray(testEnd),
    test: order.subarray(trainEnd, testEnd),
  };
}

function forEachSplit(of: (split: WvsSplit) => number): Record<WvsSplit, number> {
  return { full: of("full"), train: of("train"), valid: of("valid"), test: of("test") };
}

const metadataSchema = z.record(
  z.string(),
  z.discriminatedUnion("answer_data_type", [
    z.object({
      answer_data_type: z.literal("ordinal"),
      use_case: z.enum(KINDS),
      answer_scale_min: z.int().min(0),
      answer_scale_max: z.int().min(0),
    }),
    z.object({ answer_data_type: z.literal("non_ordinal"), use_case: z.literal("demographic") }),
  ]),
);
const codebookSchema = z.record(z.string(), z.object({ choices: z.record(z.string(), z.string()) }));
const adjustmentSchema = z.record(z.string(), z.record(z.string(), z.string().regex(/^\d*$/)));

interface Question {
  readonly id: string;
  readonly kind: (typeof KINDS)[number];
  /** Lowest and highest answer of an ordinal question; the others have texts. */
  readonly scale: readonly [number, number] | null;
  readonly choices: Readonly<Record<string, string>>;
  readonly adjusted: Readonly<Record<string, string>>;
}

interface Metadata {
  readonly questions: readonly Question[];
  readonly files: Readonly<Record<string, Uint8Array>>;
}

function readMetadata(dir: string): Metadata {
  const [metadataPath, codebookPath, adjustmentPath] = METADATA.map((name) => {
    const found = ["", "dataset_construction", "WorldValuesBench"].map((folder) => join(dir, folder, name));
    const path = found.find((candidate) => existsSync(candidate));
    if (path === undefined) throw new CumaError(`${dir}: expected a file ${name}; found none`);
    return path;
  }) as [string, string, string];
  const codebook = checkJson(codebookPath, readJson(codebookPath), codebookSchema);
  const adjustment = checkJson(adjustmentPath, readJson(adjustmentPath), adjustmentSchema);
  const questions = Object.entries(checkJson(metadataPath, readJson(metadataPath), metadataSchema)).flatMap(
    ([id, entry]): Question[] => {
      if (id === KEY) return [];
      const choices = codebook[id]?.choices;
      if (!choices)
        throw new CumaError(`${codebookPath}: ${excerpt(id)}: expected an entry for this question; found none`);
      const scale =
        entry.answer_data_type === "ordinal" ? ([entry.answer_scale_min, entry.answer_scale_max] as const) : null;
      return [{ id, kind: entry.use_case, scale, choices, adjusted: adjustment[id] ?? {} }];
    },
  );
  const paths = [metadataPath, codebookPath, adjustmentPath];
  return {
    questions,
    files: Object.fromEntries(METADATA.map((name, i) => [name, readBytes(paths[i]!, MAX_METADATA_BYTES)])),
  };
}

/** Lines of the two files without their line ends, and the number of answers in each. */
interface Rows {
  readonly demographic: string[];
  readonly value: string[];
  readonly answers: number[];
}

async function readSurvey(
  path: string,
  form: Form,
  questions: readonly Question[],
  onProgress: WvsOptions["onProgress"],
): Promise<Pick<WvsConversion, "csv" | "questions" | "blanks" | "unknownCodes"> & { readonly rows: Rows }> {
  const csv = openCsv(path, form, onProgress);
  try {
    const first = await csv.next();
    const header = first?.fields ?? [];
    checkHeader(path, header, [KEY, ...questions.map(({ id }) => id)]);
    const key = header.indexOf(KEY);
    const columns = questions.map((question) => ({
      question,
      index: header.indexOf(question.id),
      // Few codes of a column differ, and each is decided once.
      cells: new Map<string, Cell>(),
    }));
    const of = (kind: string) => columns.filter(({ question }) => question.kind === kind);
    const demographic = of("demographic");
    const value = of("value");

    const rows: Rows = { demographic: [], value: [], answers: [] };
    const blanks: Record<Blank, number> = { missingCode: 0, adjustedAway: 0, empty: 0 };
    const unknownCodes: Record<string, number> = {};
    const lines = new Map<string, number>();
    let interviews = 0;
    let dropped = 0;
    for (let row = await csv.next(); row; row = await csv.next()) {
      const { line, fields } = row;
      if (fields.length !== header.length) {
        throw new CumaError(`${path}:${line}: expected ${header.length} fields; found ${fields.length}`);
      }
      const cellOf = ({ question, index, cells }: (typeof columns)[number]): Cell => {
        const field = fields[index]!;
        let cell = cells.get(field);
        if (!cell) {
          cell = decide(question, field, `${path}:${line}`);
          cells.set(field, cell);
        }
        return cell;
      };
      interviews++;
      const id = integer(fields[key]!);
      if (id === undefined || id.startsWith("-")) {
        throw new CumaError(`${path}:${line}: ${KEY}: expected a whole number; found ${show(fields[key])}`);
      }
      if (id === DROPPED) {
        dropped++;
        continue;
      }
      const other = lines.get(id);
      if (other !== undefined) {
        throw new CumaError(`${path}:${line}: ${KEY}: expected each interview once; found ${id} on line ${other} too`);
      }
      lines.set(id, line);

      const texts = [id];
      for (const column of demographic) {
        const { text, unknown } = cellOf(column);
        texts.push(text);
        if (unknown) unknownCodes[column.question.id] = (unknownCodes[column.question.id] ?? 0) + 1;
      }
      rows.demographic.push(texts.join("\t"));
      const answers = [id];
      let answered = value.length;
      for (const column of value) {
        const { text, blank } = cellOf(column);
        answers.push(text);
        if (!blank) continue;
        blanks[blank]++;
        answered--;
      }
      rows.value.push(answers.join("\t"));
      rows.answers.push(answered);
    }
    if (rows.answers.length === 0) {
      const found = dropped === 0 ? "none" : `only ${count(dropped, "interview")} of number ${DROPPED}`;
      throw new CumaError(`${path}: expected at least one interview; found ${found}`);
    }
    return {
      rows,
      csv: { sha256: csv.sha256(), interviews, dropped },
      questions: { demographic: demographic.length, value: value.length },
      blanks,
      unknownCodes,
    };
  } finally {
    csv.close();
  }
}

interface Cell {
  /** As it stands in the tsv file. */
  readonly text: string;
  readonly blank?: Blank;
  readonly unknown?: boolean;
}

function decide({ id, scale, choices, adjusted }: Question, field: string, where: string): Cell {
  if (field.trim() === "" || field.trim() === "NA") return { text: "", blank: "empty" };
  const code = integer(field);
  if (code === undefined)
    throw new CumaError(`${where}: ${excerpt(id)}: expected an integer code; found ${show(field)}`);
  const value = adjusted[code] ?? code;
  if (value === "") return { text: "", blank: "adjustedAway" };
  if (!scale) {
    const text = choices[value];
    if (text !== undefined) return { text: quoted(text) };
    if (value.startsWith("-")) return { text: "", blank: "missingCode" };
    return { text: value, unknown: Object.keys(choices).some((choice) => !choice.startsWith("-")) };
  }
  if (value.startsWith("-")) return { text: "", blank: "missingCode" };
  if (!(code in choices)) {
    const known = excerpt(Object.keys(choices).join(", "));
    throw new CumaError(`${where}: ${excerpt(id)}: expected a code of the codebook (${known}); found ${code}`);
  }
  const [lowest, highest] = scale;
  if (Number(value) < lowest || Number(value) > highest) {
    const found = value === code ? value : `${value}, adjusted from ${code}`;
    throw new CumaError(`${where}: ${excerpt(id)}: expected an answer from ${lowest} to ${highest}; found ${found}`);
  }
  return { text: value };
}

/** `3`, ` 3` and `3.0` as "3"; undefined for what is no integer. */
function integer(field: string): string | undefined {
  const value = /^[+-]?\d+(\.0*)?$/.test(field.trim()) ? Number(field) : NaN;
  return Number.isSafeInteger(value) ? String(value) : undefined;
}

/** A tsv field, quoted where it has to be. */
function quoted(text: string): string {
  return /["\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function checkHeader(path: string, header: readonly string[], needed: readonly string[]): void {
  const missing = needed.filter((name) => !header.includes(name));
  if (missing.length > 0) {
    const found = `${count(header.length, "column")}: ${brief(header)}`;
    const inverted = missing.find((name) => header.includes(`${name}P`));
    const hint =
      inverted === undefined
        ? ""
        : `; ${inverted}P is a reversed ${inverted}, so this is the survey's inverted file, and the plain one is needed`;
    throw new CumaError(`${path}:1: expected the columns ${brief(missing)}; found ${found}${hint}`);
  }
  const double = needed.find((name) => header.indexOf(name) !== header.lastIndexOf(name));
  if (double !== undefined) throw new CumaError(`${path}:1: expected each column once; found ${excerpt(double)} twice`);
}

function brief(names: readonly string[]): string {
  const rest = names.length - 8;
  const first = excerpt(names.slice(0, 8).join(", "));
  return rest > 0 ? `${first} and ${rest} more` : first;
}

interface Csv {
  next(): Promise<{ readonly line: number; readonly fields: readonly string[] } | undefined>;
  /** Of the whole file, once it has been read. */
  sha256(): string;
  close(): void;
}

function openCsv(path: string, { size, delimiter }: Form, onProgress: WvsOptions["onProgress"]): Csv {
  const hash = createHash("sha256");
  let done = 0;
  let reported = -1;
  const source = createReadStream(path, { highWaterMark: 1 << 20 });
  const parser = source.pipe(
    // A quote inside an unquoted field is part of it, as pandas has it.
    parseCsv({
      delimiter,
      bom: true,
      info: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
    }),
  );
  source.on("data", (chunk) => {
    hash.update(chunk);
    done += chunk.length;
  });
  source.on("error", (error) => parser.destroy(error));
  const records = parser[Symbol.asyncIterator]() as AsyncIterator<{ info: { lines: number }; record: string[] }>;
  return {
    async next() {
      let item;
      try {
        item = await records.next();
      } catch (error) {
        throw fileError(path, "cannot be read", error);
      }
      if (done !== reported) onProgress?.((reported = done), size);
      return item.done ? undefined : { line: item.value.info.lines, fields: item.value.record };
    },
    sha256: () => hash.digest("hex"),
    close() {
      source.destroy();
      parser.destroy();
    },
  };
}

interface Form {
  readonly size: number;
  /** The one that the header has more of. */
  readonly delimiter: ";" | ",";
}

function examine(path: string): Form {
  const size = checkReadable(path);
  try {
    const fd = openSync(path, "r");
    try {
      const head = Buffer.alloc(1 << 16);
      const [header] = head.toString("utf8", 0, readSync(fd, head)).split(/[\r\n]/);
      const times = (delimiter: string) => header!.split(delimiter).length;
      return { size, delimiter: times(";") > times(",") ? ";" : "," };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileError(path, "cannot be read", error);
  }
}

function write(
  out: string,
  splits: Readonly<Record<WvsSplit, Uint32Array>>,
  rows: Rows,
  { questions, files }: Metadata,
): void {
  const tables = SPLITS.flatMap((split) =>
    KINDS.map((kind) => ({ path: join(out, split, `${split}_${kind}_qa.tsv`), kind, of: splits[split] })),
  );
  try {
    for (const { path, kind, of } of tables) {
      const header = [KEY, ...questions.filter((question) => question.kind === kind).map(({ id }) => id)];
      writeLines(path + TEMPORARY, header.join("\t"), rows[kind], of);
    }
    for (const { path } of tables) attempt(path, () => rmSync(path, { force: true }));
    for (const name of METADATA) writeFileAtomic(join(out, name), files[name]!);
    for (const { path } of tables) {
      attempt(path, () => {
        renameSync(path + TEMPORARY, path);
        syncFolder(dirname(path));
      });
    }
  } finally {
    for (const { path } of tables) rmSync(path + TEMPORARY, { force: true });
  }
}

function writeLines(path: string, header: string, lines: readonly string[], order: Uint32Array): void {
  attempt(path, () => {
    makeFolder(dirname(path));
    const fd = openSync(path, "w");
    try {
      const step = 2000;
      writeFileSync(fd, `${header}\n`);
      for (let at = 0; at < order.length; at += step) {
        const piece = Array.from(order.subarray(at, at + step), (row) => `${lines[row]!}\n`);
        writeFileSync(fd, piece.join(""));
      }
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  });
}

function attempt(path: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw fileError(path, "cannot be written", error);
  }
}
