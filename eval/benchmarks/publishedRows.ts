import { extname } from "node:path";
import type { ValueQuestion, WorldValuesBench } from "../../datasets/index.ts";
import { CSV, delimited } from "../../src/core/tables/delimited.ts";
import { CumaError, excerpt, unknownName } from "../../src/core/util/index.ts";
import { Growing } from "../../src/core/util/growing.ts";
import { PredictionTableBuilder } from "../predictions/predictionTableBuilder.ts";

/** What rows are looked up in. */
export type Answers = Pick<WorldValuesBench, "questions" | "find">;

/** What a file has of one question. */
interface QuestionRows {
  readonly question: ValueQuestion;
  /** Its place among the file's questions. */
  readonly index: number;
  /** Rows with an answer and a score. */
  scores: number;
  /** The other rows, by reason. */
  readonly excluded: Record<"participant is not in the data" | "question was not answered" | "no score", number>;
}

/** The rows of a file, those without an answer only counted. */
export class PublishedRows {
  readonly questions = new Map<string, QuestionRows>();
  readonly participants = new Map<string, number>();
  /** [rows] place of the question */
  readonly question = new Growing(Int32Array);
  /** [rows] code of the participant */
  readonly participant = new Growing(Int32Array);
  /** [rows] the person's answer, on the question's scale */
  readonly answer = new Growing(Int32Array);
  /** [rows] the score, cut to a whole number on the question's scale; NaN where there is none */
  readonly score = new Growing(Float64Array);
  /** The rows whose score is an option, each with all probability on it. */
  readonly options: PredictionTableBuilder;
  readonly withoutOption = { "score is not a whole number": 0, "score is off the scale": 0 };

  private readonly known: ReadonlyMap<string, ValueQuestion>;
  private readonly benchmark: Answers;
  private readonly lineOf = new Map<number, number>();
  private readonly inData = new Map<string, boolean>();

  constructor(path: string, benchmark: Answers) {
    this.options = new PredictionTableBuilder(path);
    this.benchmark = benchmark;
    this.known = new Map(benchmark.questions.map((question) => [question.id, question]));
  }

  add(line: number, questionId: string, participantId: string, scoreText: string, fail: (what: string) => never): void {
    const question = this.known.get(questionId) ?? fail(unknownName("question", questionId, this.known.keys()));
    if (participantId === "") fail("PARTICIPANT_ID: expected a participant; found nothing");
    let of = this.questions.get(questionId);
    if (!of) {
      const excluded = { "participant is not in the data": 0, "question was not answered": 0, "no score": 0 };
      this.questions.set(questionId, (of = { question, index: this.questions.size, scores: 0, excluded }));
    }
    const example = this.benchmark.find(questionId, participantId);
    if (!example) {
      of.excluded[this.isInData(participantId) ? "question was not answered" : "participant is not in the data"]++;
      return;
    }
    let participant = this.participants.get(participantId);
    if (participant === undefined) this.participants.set(participantId, (participant = this.participants.size));
    const pair = participant * this.known.size + of.index;
    const earlier = this.lineOf.get(pair);
    if (earlier !== undefined) {
      fail(
        `expected each participant and question once; found ${excerpt(participantId)} and ${questionId} on line ${earlier} too`,
      );
    }
    this.lineOf.set(pair, line);

    const score = numberOf(scoreText);
    this.question.push(of.index);
    this.participant.push(participant);
    this.answer.push(question.lowest + example.answer!);
    this.score.push(Math.trunc(score));
    if (Number.isNaN(score)) {
      of.excluded["no score"]++;
      return;
    }
    of.scores++;
    const option = score - question.lowest;
    if (!Number.isInteger(score)) this.withoutOption["score is not a whole number"]++;
    else if (!(option >= 0 && option < question.options.length)) this.withoutOption["score is off the scale"]++;
    else {
      const probabilities = question.options.map((_, k) => Number(k === option));
      this.options.add({ ...example, exampleId: example.id, probabilities });
    }
  }

  private isInData(participantId: string): boolean {
    let found = this.inData.get(participantId);
    if (found === undefined) {
      found = this.benchmark.questions.some(({ id }) => this.benchmark.find(id, participantId) !== undefined);
      this.inData.set(participantId, found);
    }
    return found;
  }
}

const separators = { ".tsv": ["\t"], ".csv": CSV } as const;
const COLUMNS = ["QUESTION_ID", "PARTICIPANT_ID", "SCORE"] as const;

/** Reads a published file. @throws CumaError naming file and line of what is not as `scorePublished` describes it. */
export async function readRows(path: string, benchmark: Answers): Promise<PublishedRows> {
  const extension = extname(path).toLowerCase();
  if (!Object.hasOwn(separators, extension)) {
    throw new CumaError(`${path}: ${unknownName("file extension", extension, Object.keys(separators))}`);
  }
  const delimiters = separators[extension as keyof typeof separators];
  const rows = new PublishedRows(path, benchmark);
  let read = 0;
  for await (const { line, cells } of delimited(path, { delimiters, columns: COLUMNS })) {
    const [questionId, participantId, score] = COLUMNS.map((name) => cells[name]!.trim()) as [string, string, string];
    rows.add(line, questionId, participantId, score, (what) => {
      throw new CumaError(`${path}:${line}: ${what}`);
    });
    read++;
  }
  if (rows.question.length === 0) {
    const found = read === 0 ? "found none" : `none of ${read} has one in the data: is it of another split?`;
    throw new CumaError(`${path}: expected predictions for people with an answer; ${found}`);
  }
  return rows;
}

/** What pandas' `to_numeric` takes for a number, infinity aside; NaN for the rest. */
function numberOf(text: string): number {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  return Number.isFinite(value) ? value : NaN;
}
