import { entropy } from "../../src/core/stats/index.ts";
import { overQuestions, PREDICTED, TRUE } from "./cells.ts";
import type { Metric, MetricInput } from "./metric.ts";
import type { Prepared } from "./result.ts";

/** A function of the sums of H(q) / log K and of H(p) / log K over questions, and of the number of questions. */
function ofEntropies(
  input: MetricInput,
  finish: (predicted: number, truth: number, questions: number) => number,
): Prepared {
  return overQuestions(
    input,
    3,
    true,
    ({ index, options }, { pooled, pooledDefined }, out) => {
      if (pooledDefined[TRUE]![index] === 0 || pooledDefined[PREDICTED]![index] === 0) return;
      out[0]! += entropy(pooled[PREDICTED]![index]!) / Math.log(options);
      out[1]! += entropy(pooled[TRUE]![index]!) / Math.log(options);
      out[2]! += 1;
    },
    (terms) => (terms[2]! > 0 ? finish(terms[0]!, terms[1]!, terms[2]!) : NaN),
  );
}

/**
 * Mean over questions of H(q) / log K, q the pooled predicted distribution over K options. Read it beside `trueEntropy`.
 *
 * 0: one option always; 1: every option equally often; never negative; NaN: no truth is known.
 */
export const predictedEntropy: Metric = {
  title: "entropy of pooled predictions, share of log K",
  higherIsBetter: null,
  range: [0, 1],
  prepare: (input) => ofEntropies(input, (predicted, _, questions) => predicted / questions),
};

/**
 * Mean over questions of H(p) / log K, p the pooled distribution of answers to K options.
 *
 * 0: people all agree; 1: they choose every option equally often; never negative; NaN: no truth is known.
 */
export const trueEntropy: Metric = {
  title: "entropy of pooled answers, share of log K",
  higherIsBetter: null,
  range: [0, 1],
  prepare: (input) => ofEntropies(input, (_, truth, questions) => truth / questions),
};

/**
 * `predictedEntropy` / `trueEntropy`.
 *
 * 1: as spread as people are, over the whole population (one marginal for everybody has that too); 0: one option always;
 * above 1: more spread than people; never negative; NaN: no truth is known, or people all agree.
 */
export const entropyRatio: Metric = {
  title: "entropy of pooled predictions / entropy of pooled answers",
  higherIsBetter: null,
  ideal: 1,
  range: [0, Infinity],
  prepare: (input) => ofEntropies(input, (predicted, truth) => (truth > 0 ? predicted / truth : NaN)),
};
