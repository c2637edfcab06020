import { extname } from "node:path";
import { z } from "zod";
import type { ValueQuestion, WorldValuesBench } from "../../datasets/index.ts";
import { CSV, delimited } from "../../src/core/tables/delimited.ts";
import { checkArgument, CumaError, excerpt, Rng, unknownName } from "../../src/core/util/index.ts";
import { checkPath, publishedOptionsSchema } from "../arguments.ts";
import { clustersOf, gather, resample, totals, type Statistics } from "../../src/core/stats/index.ts";
import { evaluate, type EvaluateOptions } from "../predictions/evaluate.ts";
import { Growing } from "../../src/core/util/growing.ts";
import { wasserstein1, type MetricName } from "../metrics/index.ts";
import { checkedDraws, mean, reasons, resultOf, type MetricResult } from "../metrics/result.ts";
import { PredictionTableBuilder } from "../predictions/predictionTable.ts";

/** Metrics that need nothing but each person's answer and one predicted option. */
const OF_OPTIONS = [
  "accuracy",
  "macroF1",
  "countryMacroAccuracy",
  "sigmaInequity",
  "worstGroup",
  "groupGap",
] as const satisfies readonly MetricName[];

/** The EMD up to which the paper counts a question as met; rounding must not decide a tie. */
const NEAR = 0.2 + 1e-12;

/** Scores may lie off the scale. */
const DISTANCES = [0, Infinity] as const;

export type PublishedMetric = "emdArgmax" | (typeof OF_OPTIONS)[number];

export type PublishedOptions = Pick<EvaluateOptions, "by" | "attributes" | "resamples" | "level" | "seed">;

export interface PublishedScores {
  readonly metrics: Readonly<Record<PublishedMetric, MetricResult>>;
  /** Share of questions whose EMD is 0.2 or less, the paper's headline number; `n` counts questions. */
  readonly nearQuestions: MetricResult;
  /** EMD by question, in the order of the file; NaN where a question has no score. */
  readonly perQuestion: Readonly<Record<string, MetricResult>>;
}

/** What rows are looked up in. */
type Answers = Pick<WorldValuesBench, "questions" | "find">;

const benchmarkSchema = z.custom<Answers>(
  (value) => value instanceof Object && "questions" in value && "find" in value,
  "expected a benchmark, as loadWorldValuesBench loads it",
);

/**
 * Scores a published WorldValuesBench prediction file, `.tsv` or `.csv` with the columns QUESTION_ID, PARTICIPANT_ID and
 * SCORE (others are ignored), against the answers of a loaded benchmark, without a model.
 *
 * `emdArgmax` and `perQuestion` are those of the original (`evaluation/evaluate.py` of WorldValuesBench at 351947c):
 * answers and scores rescaled to [0, 1] by the question's range, then scipy's `wasserstein_distance` between the two
 * samples. As there, scores are cut to whole numbers towards zero (2.7 is 2, -0.5 is 0); a score off the scale stays
 * where it is, so that a distance may exceed 1; and where a score is no number, the person's answer still counts among
 * the true ones. The original stops at distances by question: our mean counts each question with a score once. The other
 * metrics count only rows whose score, as written, is a whole number on the scale.
 *
 * Departures: where the original fails, at participants who are not in the data or did not answer the question, rows are
 * left out and counted; a question without any score is NaN and left out of the mean; infinite scores count as none.
 * That a participant and a question come twice, which the original counts twice, is an error.
 *
 * Intervals are those of the bootstrap that draws participants whole (see `centredInterval`).
 * @param benchmark With all its questions and the people of the file; those of the published files are in `valid` and
 * `full`.
 * @throws CumaError naming file and line for a file that is not as described or a question that there is not, and naming
 * the file where no participant has an answer.
 */
export async function scorePublished(
  path: string,
  benchmark: Answers,
  options: PublishedOptions = {},
): Promise<PublishedScores> {
  checkPath(path);
  checkArgument("benchmark", benchmarkSchema, benchmark);
  checkArgument("options", publishedOptionsSchema, options);
  const { resamples, level, seed } = checkedDraws(options);
  const rows = await readRows(path, benchmark);
  const questions = [...rows.questions.values()];
  const withoutScore = sum(questions.map(({ excluded }) => excluded));
  const withoutOption = sum([withoutScore, rows.withoutOption]);
  const ofOptions = evaluate(rows.options.build(), { ...options, metrics: OF_OPTIONS });
  for (const name of OF_OPTIONS) {
    const result = ofOptions[name];
    ofOptions[name] = { ...result, excluded: { ...reasons(withoutOption), ...result.excluded } };
  }

  const { statistics, emds } = pooledEmds(rows);
  const values = emds.map((emd) => emd(totals(statistics)));
  const drawn = resample(
    emds.map((compute) => ({ statistics, compute })),
    resamples,
    () => new Rng(seed, "bootstrap"),
  );
  const overQuestions = (
    summary: (emds: readonly number[]) => number,
    range: readonly [number, number],
    n: number,
    excluded: Counts,
  ): MetricResult => {
    const draw = (r: number): number => summary(drawn.map((ofQuestion) => ofQuestion[r]!));
    const resampled = Float64Array.from({ length: resamples }, (_, r) => draw(r));
    return resultOf(summary(values), resampled, { level, range }, n, reasons(excluded));
  };
  const scores = questions.reduce((n, question) => n + question.scores, 0);
  const defined = values.filter((value) => !Number.isNaN(value)).length;
  const noScore = { "questions without a score": questions.length - defined };
  return {
    metrics: { emdArgmax: overQuestions(mean, DISTANCES, scores, { ...withoutScore, ...noScore }), ...ofOptions },
    nearQuestions: overQuestions(nearShare, [0, 1], defined, noScore),
    perQuestion: Object.fromEntries(
      questions.map(({ question: { id }, scores, excluded }, q) => [
        id,
        resultOf(values[q]!, drawn[q]!, { level, range: DISTANCES }, scores, reasons(excluded)),
      ]),
    ),
  };
}

const nearShare = (emds: readonly number[]): number =>
  mean(emds.map((emd) => (Number.isNaN(emd) ? NaN : Number(emd <= NEAR))));

type Counts = Readonly<Record<string, number>>;

function sum(counts: readonly Counts[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [reason, rows] of counts.flatMap((of) => Object.entries(of))) sums[reason] = (sums[reason] ?? 0) + rows;
  return sums;
}

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
class PublishedRows {
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

async function readRows(path: string, benchmark: Answers): Promise<PublishedRows> {
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

/** Histograms of answers and scores by question, and the distance between the two as a function of their sums. */
function pooledEmds(rows: PublishedRows): { statistics: Statistics; emds: ((sums: Float64Array) => number)[] } {
  const questions = [...rows.questions.values()];
  const question = rows.question.done();
  const answer = rows.answer.done();
  const score = rows.score.done();
  /** By question, the place of each value that occurs. */
  const places = questions.map(() => new Map<number, number>());
  const place = (q: number, value: number): void => {
    if (!places[q]!.has(value)) places[q]!.set(value, places[q]!.size);
  };
  for (const [row, q] of question.entries()) {
    place(q, answer[row]!);
    if (!Number.isNaN(score[row]!)) place(q, score[row]!);
  }
  // A question's cells: how often each value is an answer, then how often each is a score.
  const offsets: number[] = [];
  let size = 0;
  for (const values of places) {
    offsets.push(size);
    size += 2 * values.size;
  }
  const clusters = clustersOf(rows.participant.done(), rows.participants.size);
  const statistics = gather(clusters, size, (row, add) => {
    const q = question[row]!;
    add(offsets[q]! + places[q]!.get(answer[row]!)!, 1);
    if (!Number.isNaN(score[row]!)) add(offsets[q]! + places[q]!.size + places[q]!.get(score[row]!)!, 1);
  });
  const emds = questions.map(({ question: { lowest, options } }, q) => {
    const rescaled = [...places[q]!.keys()].map((value) => (value - lowest) / (options.length - 1));
    const from = offsets[q]!;
    const middle = from + rescaled.length;
    return (sums: Float64Array): number => {
      const answers = Array.from(sums.subarray(from, middle));
      const scores = Array.from(sums.subarray(middle, middle + rescaled.length));
      return wasserstein1(rescaled, answers, rescaled, scores);
    };
  });
  return { statistics, emds };
}
