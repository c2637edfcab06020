import { z } from "zod";
import { checkArgument, Rng } from "../../src/core/util/index.ts";
import { checkPath, publishedOptionsSchema } from "../arguments.ts";
import { clustersOf, gather, resample, totals, type Statistics } from "../../src/core/stats/index.ts";
import { evaluate, type EvaluateOptions } from "../predictions/evaluate.ts";
import { wasserstein1, type MetricName } from "../metrics/index.ts";
import { checkedDraws, mean, reasons, resultOf, type MetricResult } from "../metrics/result.ts";
import { readRows, type Answers, type PublishedRows } from "./publishedRows.ts";

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
