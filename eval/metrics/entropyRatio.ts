import { overQuestions, PREDICTED, TRUE } from "./cells.ts";
import { entropy } from "../../src/util/index.ts";
import type { Metric } from "./metric.ts";

/**
 * Mean over questions of the entropy of the pooled predicted distribution, divided by the mean over the same questions
 * of the entropy of the pooled human distribution.
 *
 * 1: as spread as people are, over the whole population (one marginal for everybody has that too); 0: one option always;
 * above 1: more spread than people; never negative; NaN: no truth is known, or people all agree.
 */
export const entropyRatio: Metric = {
  title: "entropy of pooled predictions / entropy of pooled answers",
  higherIsBetter: null,
  ideal: 1,
  range: [0, Infinity],
  prepare: (input) =>
    overQuestions(
      input,
      2,
      true,
      ({ index }, { pooled, pooledDefined }, out) => {
        if (pooledDefined[TRUE]![index] === 0 || pooledDefined[PREDICTED]![index] === 0) return;
        out[0]! += entropy(pooled[PREDICTED]![index]!);
        out[1]! += entropy(pooled[TRUE]![index]!);
      },
      (terms) => (terms[1]! > 0 ? terms[0]! / terms[1]! : NaN),
    ),
};
