import { gather, type Statistics } from "../../src/core/stats/index.ts";
import { deviation } from "./groupAccuracy.ts";
import type { Metric } from "./metric.ts";
import { mean, reasons } from "./result.ts";
import { argmax, NO_ANSWER } from "./rows.ts";

const LEAST_ROWS = 5;

/**
 * Inequity: for each attribute of profiles the population standard deviation of accuracy over its values that have 5
 * answered rows or more; then the mean over the attributes that have two such values or more.
 *
 * 0: every subgroup is met equally well (or equally badly); 0.5: the largest possible, half of the subgroups always and
 * half never; never negative; NaN: no attribute has two such values.
 */
export const sigmaInequity: Metric = {
  title: "mean over attributes of the SD of subgroup accuracy",
  higherIsBetter: false,
  range: [0, 0.5],
  prepare(input) {
    const { table, attributes } = input;
    const starts = attributes.map(() => 0);
    let groups = 0;
    for (const [a, { names }] of attributes.entries()) {
      starts[a] = groups;
      groups += names.length;
    }
    const counts = new Float64Array(groups);
    let n = 0;
    let noAnswer = 0;
    let noAttribute = 0;
    const statistics: Statistics = gather(input.clusters, 2 * groups, (row, add) => {
      if (table.answer[row]! < 0) {
        noAnswer++;
        return;
      }
      const right = argmax(table, row) === table.answer[row];
      let found = false;
      for (const [a, { codes }] of attributes.entries()) {
        if (codes[row]! < 0) continue;
        const group = starts[a]! + codes[row]!;
        found = true;
        counts[group]! += 1;
        add(2 * group, table.weight[row]!);
        if (right) add(2 * group + 1, table.weight[row]!);
      }
      if (found) n++;
      else noAttribute++;
    });
    const chosen = attributes
      .map(({ names }, a) => names.map((_, i) => starts[a]! + i).filter((group) => counts[group]! >= LEAST_ROWS))
      .filter((values) => values.length >= 2);
    const compute = (sums: Float64Array): number =>
      mean(
        chosen.map((values) =>
          deviation(values.map((group) => sums[2 * group + 1]! / sums[2 * group]!).filter((x) => !Number.isNaN(x))),
        ),
      );
    return { statistics, compute, n, excluded: reasons({ [NO_ANSWER]: noAnswer, "no attribute": noAttribute }) };
  },
};
