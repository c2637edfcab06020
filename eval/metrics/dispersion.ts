import { largest } from "../../src/core/util/index.ts";
import { ONCE } from "../../src/core/stats/index.ts";
import {
  mostOptions,
  overQuestions,
  type Cells,
  type Distributions,
  type OfCells,
  type QuestionCells,
} from "./cells.ts";
import { reasons, type Prepared } from "./result.ts";

/** Sums over questions of how far groups lie apart. */
export interface Dispersion {
  /** D(F_pred) */
  predicted: number;
  /** D(F_true), sampling noise subtracted */
  true: number;
  /** <dF_pred, dF_true> */
  cross: number;
  /** Of D(F_true), if true groups did not differ; at least this large (see `isBeyondNoise`). */
  variance: number;
}

/** The dispersion between groups, and whether the true one is more than chance makes. */
export interface PreparedDispersion extends Prepared<Dispersion> {
  readonly beyondNoise: boolean;
}

/** Smaller dispersions are rounding: deviations of 1e-7, the resolution of float32 probabilities. */
export const ROUNDING = 1e-14;

/** Why an index of differences between groups is undefined. */
const NO_DIFFERENCES = "questions whose true groups, taken together, do not differ beyond sampling noise";

/**
 * Prepares the dispersion between groups, for `mci`, `rho` and `beta`. For a question of K options, with w_g the group's
 * share of the question's weight:
 *
 * ordered:  D(F) = sum_g w_g sum_{k<K} (F_gk - Fbar_k)^2 / (K - 1),  Fbar = sum_g w_g F_g,  F the CDF; <dF, dF'> alike
 * nominal:  D(p) = sum_g w_g sum_k (p_gk - pbar_k)^2 / 2;  <dp, dp'> alike. Two options have the same D as a scale of two.
 *
 * A true distribution that is a histogram of n answers, n = (sum w)^2 / sum w^2, differs between groups by chance alone.
 * What is expected of that is subtracted: sum_g w_g (1 - w_g) sum_k F_gk (1 - F_gk) / (n_g - 1) / (K - 1), alike for
 * nominal options. A resample has that noise twice, of the people and of the drawing. Groups with one answer to a question
 * have no known noise and are left out of that question; questions that then have fewer than two groups have no
 * dispersion.
 */
export function prepareDispersion(input: OfCells): PreparedDispersion {
  const cells = input.cells();
  const work = new Workspace(cells.questions);
  const prepared = overQuestions(
    input,
    4,
    false,
    (question, of, out, resampled) => work.add(question, of, out, resampled ? 2 : 1),
    dispersionOf,
  );
  let last: { sums: Float64Array; draw: number; dispersion: Dispersion } | undefined;
  const found = dispersionByQuestion(cells);
  const total = (key: keyof Dispersion): number => found.reduce((sum, of) => sum + of[key], 0);
  const beyondNoise = isBeyondNoise(total("true"), total("variance"));
  return {
    ...prepared,
    beyondNoise,
    compute: (of, draw) => {
      if (last?.sums !== of || last.draw !== draw) last = { sums: of, draw, dispersion: prepared.compute(of, draw) };
      return last.dispersion;
    },
    excluded: { ...prepared.excluded, ...withoutDispersion(cells, cells.questions, beyondNoise) },
  };
}

/**
 * Whether a dispersion is more than sampling makes where groups do not differ: by two standard errors. A sum of squares
 * whose expectation is n_g has a variance of 2 n_g^2 at most, and deviations of G groups from their mean have G - 1 degrees of
 * freedom. Questions are taken to be independent.
 * @param variance Sum over questions of G / (G - 1) sum_g 2 n_g^2; 0 where truth is exact.
 */
export function isBeyondNoise(dispersion: number, variance: number): boolean {
  return dispersion > 2 * Math.sqrt(variance);
}

/** What `questions` have that is in no dispersion, by reason. */
export function withoutDispersion(
  { distributions, sums }: Pick<Cells, "distributions" | "sums">,
  questions: readonly QuestionCells[],
  beyondNoise: boolean,
): Record<string, number> {
  let lone = 0;
  let single = 0;
  distributions.update(sums, ONCE);
  for (const question of questions) {
    const grouped = question.cells.filter(({ index }) => distributions.defined[index] === 1);
    const alone = grouped.filter(({ index }) => isLone(distributions, index)).length;
    lone += alone;
    if (grouped.length - alone < 2) single++;
  }
  return reasons({
    "cells with one answer": lone,
    "questions with fewer than two groups": single,
    [NO_DIFFERENCES]: beyondNoise ? 0 : questions.length - single,
  });
}

/** From the terms in the order in which `Workspace` adds them. */
function dispersionOf([predicted, truth, cross, variance]: Float64Array): Dispersion {
  return { predicted: predicted!, true: truth!, cross: cross!, variance: variance! };
}

/** Prepares a function of the dispersion between groups; it is undefined where true groups do not differ beyond noise. */
export function ofDispersion(
  input: { dispersion(): PreparedDispersion },
  finish: (dispersion: Dispersion) => number,
): Prepared {
  const { compute, beyondNoise, ...prepared } = input.dispersion();
  return { ...prepared, compute: (sums, draw) => (beyondNoise ? finish(compute(sums, draw)) : NaN) };
}

/** Whether a cell has one answer, whose noise nobody knows. */
export function isLone({ answers }: Distributions, cell: number): boolean {
  return answers[cell]! < 1 + 1e-9;
}

/** Variance of a cell's histogram over p (1 - p). @param noises How often its noise is in it. */
export function varianceOf({ sampled, weight, answers }: Distributions, cell: number, noises: number): number {
  const share = sampled[cell]! / weight[cell]!;
  return share > 0 ? (noises * share ** 2) / (answers[cell]! - 1) : 0;
}

class Workspace {
  /** By cell: one after another, a distribution (nominal) or its CDF (ordered). */
  private readonly truths: Float64Array;
  private readonly predictions: Float64Array;
  private readonly shares: Float64Array;
  private readonly variances: Float64Array;
  private readonly truthMean: Float64Array;
  private readonly predictionMean: Float64Array;

  constructor(questions: readonly QuestionCells[]) {
    const options = mostOptions(questions);
    const shares = Math.max(0, largest(questions.map((question) => question.options * question.cells.length)));
    const cells = Math.max(0, largest(questions.map((question) => question.cells.length)));
    this.truths = new Float64Array(shares);
    this.predictions = new Float64Array(shares);
    this.shares = new Float64Array(cells);
    this.variances = new Float64Array(cells);
    this.truthMean = new Float64Array(options);
    this.predictionMean = new Float64Array(options);
  }

  /** Adds a question's terms in the order of `Dispersion` to `out`. */
  add(question: QuestionCells, of: Distributions, out: Float64Array, noises: number): void {
    const { ordered, options } = question;
    const { truths, predictions, shares, variances, truthMean, predictionMean } = this;
    const width = ordered ? options - 1 : options;
    let cells = 0;
    let total = 0;
    for (const { index, place } of question.cells) {
      if (of.defined[index] === 0 || isLone(of, index)) continue;
      shares[cells] = of.weight[index]!;
      total += of.weight[index]!;
      variances[cells] = varianceOf(of, index, noises);
      for (let k = 0, sumP = 0, sumQ = 0; k < width; k++) {
        const p = of.truth[place + k]!;
        const q = of.predicted[place + k]!;
        sumP += p;
        sumQ += q;
        truths[cells * width + k] = ordered ? sumP : p;
        predictions[cells * width + k] = ordered ? sumQ : q;
      }
      cells++;
    }
    if (cells < 2) return;
    truthMean.fill(0);
    predictionMean.fill(0);
    for (let g = 0; g < cells; g++) {
      shares[g]! /= total;
      for (let k = 0; k < width; k++) {
        truthMean[k]! += shares[g]! * truths[g * width + k]!;
        predictionMean[k]! += shares[g]! * predictions[g * width + k]!;
      }
    }
    let predicted = 0;
    let observed = 0;
    let cross = 0;
    let noise = 0;
    let squares = 0;
    for (let g = 0; g < cells; g++) {
      const share = shares[g]!;
      let ofGroup = 0;
      for (let k = 0; k < width; k++) {
        const truth = truths[g * width + k]!;
        const dTruth = truth - truthMean[k]!;
        const dPrediction = predictions[g * width + k]! - predictionMean[k]!;
        predicted += share * dPrediction * dPrediction;
        cross += share * dPrediction * dTruth;
        observed += share * dTruth * dTruth;
        ofGroup += share * (1 - share) * variances[g]! * truth * (1 - truth);
      }
      noise += ofGroup;
      squares += ofGroup ** 2;
    }
    const scale = ordered ? options - 1 : 2;
    out[0]! += orZero(predicted / scale);
    out[1]! += orZero((observed - noise) / scale);
    out[2]! += cross / scale;
    out[3]! += ((cells / (cells - 1)) * 2 * squares) / scale ** 2;
  }
}

const orZero = (value: number): number => (Math.abs(value) < ROUNDING ? 0 : value);

/** R = sqrt(D(F_pred) / D(F_true)), sums over questions; NaN where the true groups do not differ beyond noise. */
export function spread({ predicted, true: truth }: Dispersion): number {
  return truth > 0 ? Math.sqrt(predicted / truth) : NaN;
}

/** <dF_pred, dF_true> / (|dF_pred| |dF_true|); NaN where either does not vary. */
export function alignment({ predicted, true: truth, cross }: Dispersion): number {
  return predicted > 0 && truth > 0 ? cross / Math.sqrt(predicted * truth) : NaN;
}

/** The dispersion of each question by itself, in the order of `cells.questions`; `ofDispersion` takes their sum. */
export function dispersionByQuestion({
  questions,
  distributions,
  sums,
}: Pick<Cells, "questions" | "distributions" | "sums">): Dispersion[] {
  const work = new Workspace(questions);
  distributions.update(sums, ONCE);
  return questions.map((question) => {
    const terms = new Float64Array(4);
    work.add(question, distributions, terms, 1);
    return dispersionOf(terms);
  });
}
