import { entropy, ONCE } from "../../src/core/stats/index.ts";
import { mostOptions, overQuestions, type Distributions, type QuestionCells } from "./cells.ts";
import { isBeyondNoise, isLone, ROUNDING, varianceOf, withoutDispersion } from "./dispersion.ts";
import type { Metric } from "./metric.ts";
import { reasons } from "./result.ts";
import { hasTruth } from "./rows.ts";

/**
 * Mean-collapse index of nominal questions by multi-information: 1 - sqrt(I_pred / I_true), I = H(pbar) - sum_g w_g H(p_g)
 * in nats, summed over the questions whose options are no scale. `mci` has these questions too, by squared differences,
 * which add up with those of scales. The true one has its sampling noise subtracted, to second order: for each entropy half
 * of sum var(p_k) / p_k.
 *
 * 1: every group gets the same prediction; 0: the group tells as much of the prediction as of the answer; negative: it
 * tells more (stereotyping); NaN: no question is nominal, or the true groups do not differ beyond sampling noise.
 */
export const mciNominal: Metric = {
  title: "mean-collapse index of nominal questions, by multi-information",
  higherIsBetter: null,
  ideal: 0,
  range: [-Infinity, 1],
  prepare(input) {
    const cells = input.cells();
    const { table } = input;
    const nominal = cells.questions.filter(({ ordered }) => !ordered);
    const add = adder(nominal);
    const found = new Float64Array(3);
    cells.distributions.update(cells.sums, ONCE);
    for (const question of nominal) add(question, cells.distributions, found, false);
    const beyondNoise = isBeyondNoise(found[1]!, found[2]!);
    const prepared = overQuestions(
      input,
      3,
      false,
      (question, of, out, resampled) => {
        if (!question.ordered) add(question, of, out, resampled);
      },
      ([predicted, truth]) => (beyondNoise && truth! > 0 ? 1 - Math.sqrt(Math.max(0, predicted!) / truth!) : NaN),
    );
    let scales = 0;
    for (let row = 0; row < table.rows; row++) {
      if (table.questions[table.question[row]!]!.ordered && hasTruth(table, row) && input.groups.codes[row]! >= 0)
        scales++;
    }
    return {
      ...prepared,
      n: prepared.n - scales,
      excluded: {
        ...prepared.excluded,
        ...reasons({ "options are a scale": scales }),
        ...withoutDispersion(cells, nominal, beyondNoise),
      },
    };
  },
};

/** Adds I_pred, I_true, and the variance of the latter (see `isBeyondNoise`) of a question to `out`. */
function adder(
  questions: readonly QuestionCells[],
): (question: QuestionCells, of: Distributions, out: Float64Array, resampled: boolean) => void {
  const truthMean = new Float64Array(mostOptions(questions));
  const predictionMean = new Float64Array(truthMean.length);
  return ({ cells, options }, of, out, resampled) => {
    const used = cells.filter(({ index }) => of.defined[index] === 1 && !isLone(of, index));
    if (used.length < 2) return;
    const total = used.reduce((sum, { index }) => sum + of.weight[index]!, 0);
    truthMean.fill(0);
    predictionMean.fill(0);
    let within = 0;
    let predictedWithin = 0;
    for (const { index, place } of used) {
      const share = of.weight[index]! / total;
      for (let k = 0; k < options; k++) {
        truthMean[k]! += share * of.truth[place + k]!;
        predictionMean[k]! += share * of.predicted[place + k]!;
      }
      within += share * entropy(of.truth, options, place);
      predictedWithin += share * entropy(of.predicted, options, place);
    }
    let noise = 0;
    for (const { index, place } of used) {
      const share = of.weight[index]! / total;
      const variance = varianceOf(of, index, resampled ? 2 : 1);
      let ofGroup = 0;
      for (let k = 0; k < options; k++) {
        const p = of.truth[place + k]!;
        if (p > 0) ofGroup += (share * variance * (1 - p) * (1 - (share * p) / truthMean[k]!)) / 2;
      }
      noise += ofGroup;
      out[2]! += (used.length / (used.length - 1)) * 2 * ofGroup ** 2;
    }
    const information = entropy(truthMean, options) - within - noise;
    const predicted = entropy(predictionMean, options) - predictedWithin;
    if (Math.abs(predicted) > ROUNDING) out[0]! += predicted;
    if (Math.abs(information) > ROUNDING) out[1]! += information;
  };
}
