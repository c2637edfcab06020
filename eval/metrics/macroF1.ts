import type { Metric } from "./metric.ts";
import { answered, argmax } from "./rows.ts";

/**
 * Macro-F1: the mean over classes of F1 = 2 TP / (2 TP + FP + FN), a class being the index of an option, over all rows
 * of all questions together; the most probable option is the prediction. Classes that occur neither among answers nor
 * among predictions do not count, as in scikit-learn's `f1_score(average="macro")`.
 *
 * 1: every answer is met; 0: none; never negative; NaN: no row has an answer.
 */
export const macroF1: Metric = {
  title: "macro-F1 over option indices",
  higherIsBetter: true,
  range: [0, 1],
  prepare(input) {
    const { table } = input;
    const classes = table.questions.reduce((most, { options }) => Math.max(most, options.length), 0);
    const { statistics, n, excluded } = answered(input, 3 * classes, (row, add) => {
      const predicted = argmax(table, row);
      const weight = table.weight[row]!;
      add(predicted, weight);
      add(classes + table.answer[row]!, weight);
      if (predicted === table.answer[row]) add(2 * classes + predicted, weight);
    });
    const compute = (sums: Float64Array): number => {
      let sum = 0;
      let present = 0;
      for (let c = 0; c < classes; c++) {
        const both = sums[c]! + sums[classes + c]!;
        if (!(both > 0)) continue;
        sum += (2 * sums[2 * classes + c]!) / both;
        present++;
      }
      return present > 0 ? sum / present : NaN;
    };
    return { statistics, n, excluded, compute };
  },
};
