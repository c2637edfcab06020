import { ARGMAX, overQuestions, PREDICTED, TRUE } from "./cells.ts";
import { emd } from "../../src/core/stats/index.ts";
import type { Metric, MetricInput } from "./metric.ts";
import { reasons, type Prepared } from "./result.ts";
import { hasTruth } from "./rows.ts";

function pooledEmd(input: MetricInput, part: number): Prepared {
  const prepared = overQuestions(
    input,
    2,
    true,
    ({ index, ordered }, { pooled, pooledDefined }, out) => {
      if (!ordered || pooledDefined[TRUE]![index] === 0 || pooledDefined[part]![index] === 0) return;
      out[0]! += emd(pooled[TRUE]![index]!, pooled[part]![index]!);
      out[1]! += 1;
    },
    (terms) => (terms[1]! > 0 ? terms[0]! / terms[1]! : NaN),
  );
  const { table } = input;
  let nominal = 0;
  for (let row = 0; row < table.rows; row++) {
    if (!table.questions[table.question[row]!]!.ordered && hasTruth(table, row)) nominal++;
  }
  return {
    ...prepared,
    n: prepared.n - nominal,
    excluded: { ...prepared.excluded, ...reasons({ "options are no scale": nominal }) },
  };
}

/**
 * WorldValuesBench's EMD with predicted distributions: by question, the Wasserstein-1 distance between the pooled
 * predicted and the pooled true scores, the K levels rescaled to [0, 1]; then the mean over ordered questions. As
 * `evaluation/evaluate.py` of WorldValuesBench, with each model score replaced by the distribution that it is drawn from.
 *
 * 0: the population as a whole is matched, which one marginal for everybody does too: it does not see collapse. 1: all
 * answer at one end and all predictions lie at the other. Never negative. NaN: no ordered question has a known truth.
 */
export const emdProb: Metric = {
  title: "WVB EMD, pooled predicted distributions",
  higherIsBetter: false,
  range: [0, 1],
  prepare: (input) => pooledEmd(input, PREDICTED),
};

/**
 * WorldValuesBench's EMD as published: as `emdProb`, with each row's most probable option as its one predicted score.
 *
 * 0: the histogram of most probable options equals that of the answers; 1, negative and NaN as for `emdProb`.
 */
export const emdArgmax: Metric = {
  title: "WVB EMD, most probable options",
  higherIsBetter: false,
  range: [0, 1],
  prepare: (input) => pooledEmd(input, ARGMAX),
};
