import { createHash, type Hash } from "node:crypto";
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { checkReadable, fileError } from "../../src/core/io/index.ts";
import { fieldRows, type FieldRow } from "../../src/core/tables/fieldRows.ts";
import { count, CumaError, excerpt, show } from "../../src/core/util/index.ts";
import { KEY, type Question } from "./questions.ts";
import { decideCell, integer, type Blank, type Cell } from "./surveyCells.ts";

/** The number that many interviews of version 5 share; the benchmark leaves them all out. */
const DROPPED = "858069901";

/** The survey's csv file. */
export interface SurveyFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** The one that the header has more of. */
  readonly delimiter: ";" | ",";
}

/** @throws CumaError naming the file where it cannot be read. */
export function findSurvey(path: string): SurveyFile {
  const size = checkReadable(path);
  try {
    const fd = openSync(path, "r");
    try {
      const head = Buffer.alloc(1 << 16);
      const [header] = head.toString("utf8", 0, readSync(fd, head)).split(/[\r\n]/);
      const times = (delimiter: string) => header!.split(delimiter).length;
      return { path, size, delimiter: times(";") > times(",") ? ";" : "," };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileError(path, "cannot be read", error);
  }
}

/** Lines of the benchmark's two files without their line ends, and the number of answers in each. */
export interface SurveyRows {
  readonly demographic: string[];
  readonly value: string[];
  readonly answers: number[];
}

export interface Survey {
  readonly rows: SurveyRows;
  readonly csv: {
    readonly sha256: string;
    readonly interviews: number;
    /** Interviews left out: those that share the number 858069901. */
    readonly dropped: number;
  };
  readonly questions: { readonly demographic: number; readonly value: number };
  /** Value questions without an answer, by reason. */
  readonly blanks: Readonly<Record<Blank, number>>;
  /** Demographic cells whose code the codebook lacks, so that the code stands for the text, by column. */
  readonly unknownCodes: Readonly<Record<string, number>>;
}

/**
 * Reads the survey's interviews as lines of the benchmark's files.
 * @param onProgress Takes the number of bytes that have been read.
 * @throws CumaError naming file, line (the header is line 1) and column for anything that is not as described.
 */
export async function readSurvey(
  { path, delimiter }: SurveyFile,
  questions: readonly Question[],
  onProgress: (done: number) => void,
): Promise<Survey> {
  const hash = createHash("sha256");
  let done = 0;
  let reported = -1;
  const bytes = hashed(path, hash, (length) => (done += length));
  // A quote inside an unquoted field is part of it, as pandas has it.
  const rows = fieldRows(path, bytes, { delimiter, relaxedQuotes: true });
  let interviews: Interviews | undefined;
  for await (const row of rows) {
    if (done !== reported) onProgress((reported = done));
    if (interviews) interviews.add(row);
    else interviews = new Interviews(path, row.fields, questions);
  }
  interviews ??= new Interviews(path, [], questions);
  const survey = interviews.done();
  return { ...survey, csv: { sha256: hash.digest("hex"), ...survey.csv } };
}

async function* hashed(path: string, hash: Hash, onRead: (length: number) => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      onRead(chunk.length);
      yield chunk;
    }
  } catch (error) {
    throw fileError(path, "cannot be read", error);
  }
}

interface Column {
  readonly id: string;
  readonly index: number;
  readonly question: Question;
  /** By what stands in the csv: few codes of a column differ, and each is decided once. */
  readonly cells: Map<string, Cell>;
}

/** Collects the interviews of the survey, row by row. */
class Interviews {
  private readonly path: string;
  private readonly key: number;
  private readonly demographic: readonly Column[];
  private readonly value: readonly Column[];
  private readonly rows: SurveyRows = { demographic: [], value: [], answers: [] };
  private readonly blanks: Record<Blank, number> = { missingCode: 0, adjustedAway: 0, empty: 0 };
  private readonly unknownCodes: Record<string, number> = {};
  /** Line of each interview, by its number. */
  private readonly lines = new Map<string, number>();
  private dropped = 0;

  constructor(path: string, header: readonly string[], questions: readonly Question[]) {
    checkHeader(path, header, [KEY, ...questions.map(({ id }) => id)]);
    this.path = path;
    this.key = header.indexOf(KEY);
    const columns = questions.map((question) => {
      const { id } = question;
      return { id, index: header.indexOf(id), question, cells: new Map<string, Cell>() };
    });
    this.demographic = columns.filter(({ question }) => question.kind === "demographic");
    this.value = columns.filter(({ question }) => question.kind === "value");
  }

  add({ line, fields }: FieldRow): void {
    const id = this.interview(line, fields[this.key]!);
    if (id === DROPPED) {
      this.dropped++;
      return;
    }
    const other = this.lines.get(id);
    if (other !== undefined) {
      throw this.error(line, `${KEY}: expected each interview once; found ${id} on line ${other} too`);
    }
    this.lines.set(id, line);
    this.addDemographic(id, line, fields);
    this.addValues(id, line, fields);
  }

  done(): Omit<Survey, "csv"> & { readonly csv: Omit<Survey["csv"], "sha256"> } {
    const { rows, dropped, blanks, unknownCodes } = this;
    const kept = rows.answers.length;
    if (kept === 0) {
      const found = dropped === 0 ? "none" : `only ${count(dropped, "interview")} of number ${DROPPED}`;
      throw new CumaError(`${this.path}: expected at least one interview; found ${found}`);
    }
    const questions = { demographic: this.demographic.length, value: this.value.length };
    return { rows, csv: { interviews: kept + dropped, dropped }, questions, blanks, unknownCodes };
  }

  private interview(line: number, field: string): string {
    const id = integer(field);
    if (id !== undefined && !id.startsWith("-")) return id;
    throw this.error(line, `${KEY}: expected a whole number; found ${show(field)}`);
  }

  private addDemographic(id: string, line: number, fields: readonly string[]): void {
    const texts = [id];
    for (const column of this.demographic) {
      const { text, unknown } = this.cell(column, line, fields);
      texts.push(text);
      if (unknown) this.unknownCodes[column.id] = (this.unknownCodes[column.id] ?? 0) + 1;
    }
    this.rows.demographic.push(texts.join("\t"));
  }

  private addValues(id: string, line: number, fields: readonly string[]): void {
    const answers = [id];
    let answered = this.value.length;
    for (const column of this.value) {
      const { text, blank } = this.cell(column, line, fields);
      answers.push(text);
      if (!blank) continue;
      this.blanks[blank]++;
      answered--;
    }
    this.rows.value.push(answers.join("\t"));
    this.rows.answers.push(answered);
  }

  private cell({ question, index, cells }: Column, line: number, fields: readonly string[]): Cell {
    const field = fields[index]!;
    let cell = cells.get(field);
    if (!cell) {
      cell = decideCell(question, field, `${this.path}:${line}`);
      cells.set(field, cell);
    }
    return cell;
  }

  private error(line: number, what: string): CumaError {
    return new CumaError(`${this.path}:${line}: ${what}`);
  }
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
