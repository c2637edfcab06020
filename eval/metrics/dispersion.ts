import { entropy } from "../../src/util/index.ts";
import { ONCE } from "../bootstrap.ts";
import { mostOptions, overQuestions, type Cells, type Distributions, type QuestionCells } from "./cells.ts";
import { reasons, type MetricInput, type Prepared } from "./metric.ts";

/** Sums over questions of how far groups lie apart. */
export interface Dispersion {
  /** D(F_pred) */
  predicted: number;
  /** D(F_true), sampling noise subtracted */
  true: number;
  /** <dF_pred, dF_true> */
  cross: number;
  /** <dF_pred, dF_pred>: D(F_pred) itself for ordered options */
  predictedNorm: number;
  /** <dF_true, dF_true>, sampling noise subtracted */
  trueNorm: number;
}

/** Smaller dispersions are rounding: deviations of 1e-7, the resolution of float32 probabilities. */
export const ROUNDING = 1e-14;

/**
 * Prepares the dispersion between groups, for `mci`, `rho` and `beta`. For a question of K options, with w_g the group's
 * share of the question's weight:
 *
 * ordered:  D(F) = sum_g w_g sum_{k<K} (F_gk - Fbar_k)^2 / (K - 1),  Fbar = sum_g w_g F_g,  F the CDF; <dF, dF'> alike
 * nominal:  D(p) = H(pbar) - sum_g w_g H(p_g);  <dp, dp'> = sum_g w_g sum_k dp_gk dp'_gk / 2
 *
 * A true distribution that is a histogram of n answers, n = (sum w)^2 / sum w^2, differs between groups by chance alone.
 * What is expected of that is subtracted: for ordered options sum_g w_g (1 - w_g) sum_k F_gk (1 - F_gk) / (n_g - 1) /
 * (K - 1), alike for norms, and for entropies the second-order bias. A resample has that noise twice, of the people and
 * of the drawing. Groups with one answer to a question have no known noise and are left out of that question; questions
 * that then have fewer than two groups have no dispersion.
 */
export function prepareDispersion(input: Pick<MetricInput, "cells" | "questionClusters">): Prepared<Dispersion> {
  const { questions, distributions, sums } = input.cells();
  const work = new Workspace(questions);
  const prepared = overQuestions(
    input,
    5,
    false,
    (question, of, out, resampled) => work.add(question, of, out, resampled ? 2 : 1),
    dispersionOf,
  );
  let lone = 0;
  let single = 0;
  distributions.update(sums, ONCE);
  for (const question of questions) {
    const grouped = question.cells.filter(({ group }) => group >= 0);
    const alone = grouped.filter(({ index }) => isLone(distributions.answers[index]!)).length;
    lone += alone;
    if (grouped.length - alone < 2) single++;
  }
  let last: { sums: Float64Array; draw: number; dispersion: Dispersion } | undefined;
  return {
    ...prepared,
    compute: (of, draw) => {
      if (last?.sums !== of || last.draw !== draw) last = { sums: of, draw, dispersion: prepared.compute(of, draw) };
      return last.dispersion;
    },
    excluded: {
      ...prepared.excluded,
      ...reasons({ "cells with one answer": lone, "questions with fewer than two groups": single }),
    },
  };
}

/** From the terms in the order in which `Workspace` adds them. */
function dispersionOf([predicted, truth, cross, predictedNorm, trueNorm]: Float64Array): Dispersion {
  return {
    predicted: predicted!,
    true: truth!,
    cross: cross!,
    predictedNorm: predictedNorm!,
    trueNorm: trueNorm!,
  };
}

/** Prepares a function of the dispersion between groups. */
export function ofDispersion(input: MetricInput, finish: (dispersion: Dispersion) => number): Prepared {
  const { compute, ...prepared } = input.dispersion();
  return { ...prepared, compute: (sums, draw) => finish(compute(sums, draw)) };
}

const isLone = (answers: number): boolean => answers < 1 + 1e-9;

class Workspace {
  /** By cell: one after another, a distribution (nominal) or its CDF (ordered). */
  private readonly truths: Float64Array;
  private readonly predictions: Float64Array;
  private readonly shares: Float64Array;
  /** Variance of a cell's histogram over F (1 - F). */
  private readonly variances: Float64Array;
  private readonly truthMean: Float64Array;
  private readonly predictionMean: Float64Array;

  constructor(questions: readonly QuestionCells[]) {
    const options = mostOptions(questions);
    const cells = questions.reduce((most, question) => Math.max(most, question.cells.length), 0);
    this.truths = new Float64Array(options * cells);
    this.predictions = new Float64Array(options * cells);
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
    let truthEntropy = 0;
    let predictionEntropy = 0;
    for (const { index } of question.cells) {
      if (of.defined[index] === 0 || isLone(of.answers[index]!)) continue;
      const weight = of.weight[index]!;
      total += weight;
      shares[cells] = weight;
      const sampled = of.sampled[index]! / weight;
      variances[cells] = sampled > 0 ? (noises * sampled ** 2) / (of.answers[index]! - 1) : 0;
      const place = index * of.width;
      for (let k = 0, sumP = 0, sumQ = 0; k < width; k++) {
        const p = of.truth[place + k]!;
        const q = of.predicted[place + k]!;
        sumP += p;
        sumQ += q;
        truths[cells * width + k] = ordered ? sumP : p;
        predictions[cells * width + k] = ordered ? sumQ : q;
      }
      if (!ordered) {
        truthEntropy += weight * entropy(of.truth, options, place);
        predictionEntropy += weight * entropy(of.predicted, options, place);
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
    let predictedNorm = 0;
    let trueNorm = 0;
    let cross = 0;
    for (let g = 0; g < cells; g++) {
      const share = shares[g]!;
      for (let k = 0; k < width; k++) {
        const truth = truths[g * width + k]!;
        const dTruth = truth - truthMean[k]!;
        const dPrediction = predictions[g * width + k]! - predictionMean[k]!;
        predictedNorm += share * dPrediction * dPrediction;
        cross += share * dPrediction * dTruth;
        trueNorm += share * (dTruth * dTruth - (1 - share) * variances[g]! * truth * (1 - truth));
      }
    }
    const scale = ordered ? options - 1 : 2;
    out[2]! += cross / scale;
    out[3]! += orZero(predictedNorm / scale);
    out[4]! += orZero(trueNorm / scale);
    out[0]! += orZero(ordered ? predictedNorm / scale : entropy(predictionMean, width) - predictionEntropy / total);
    out[1]! += orZero(
      ordered ? trueNorm / scale : entropy(truthMean, width) - truthEntropy / total - this.entropyNoise(cells, width),
    );
  }

  /** What sampling adds to H(pbar) - sum_g w_g H(p_g), to second order: half of sum var(p_k) / p_k, for each entropy. */
  private entropyNoise(cells: number, width: number): number {
    let noise = 0;
    for (let g = 0; g < cells; g++) {
      const share = this.shares[g]!;
      for (let k = 0; k < width; k++) {
        const p = this.truths[g * width + k]!;
        if (p > 0) noise += share * this.variances[g]! * (1 - p) * (1 - (share * p) / this.truthMean[k]!);
      }
    }
    return noise / 2;
  }
}

const orZero = (value: number): number => (Math.abs(value) < ROUNDING ? 0 : value);

/** R = sqrt(D(F_pred) / D(F_true)), sums over questions; NaN where the true groups do not differ beyond noise. */
export function spread({ predicted, true: truth }: Dispersion): number {
  return truth > 0 ? Math.sqrt(Math.max(0, predicted) / truth) : NaN;
}

/** <dF_pred, dF_true> / (|dF_pred| |dF_true|); NaN where either does not vary. */
export function alignment({ cross, predictedNorm, trueNorm }: Dispersion): number {
  return predictedNorm > 0 && trueNorm > 0 ? cross / Math.sqrt(predictedNorm * trueNorm) : NaN;
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
    const terms = new Float64Array(5);
    work.add(question, distributions, terms, 1);
    return dispersionOf(terms);
  });
}
