import { ONCE } from "../../src/core/stats/index.ts";
import { defaultCluster, inputOf } from "../predictions/input.ts";
import { dispersionByQuestion } from "../metrics/dispersion.ts";
import { emd } from "../metrics/index.ts";
import { reliabilityBins } from "../metrics/ece.ts";
import type { PredictionTable } from "../predictions/predictionTable.ts";
import type { Details, GroupDetails } from "./types.ts";

/**
 * Distributions and dispersions by question and group, and calibration: what figures are drawn from. The sums are those
 * that the metrics use, so that figures and numbers agree.
 * @param by Attributes whose combined values make the groups; undefined: as `evaluate` has it.
 */
export function detailsOf(table: PredictionTable, by: readonly string[] | undefined): Details {
  const input = inputOf(table, by, undefined, defaultCluster(table));
  const cells = input.cells();
  cells.distributions.update(cells.sums, ONCE);
  const { truth, predicted, defined, answers } = cells.distributions;
  const dispersions = dispersionByQuestion(cells);
  return {
    examples: table.rows,
    participants: table.participant.values.length,
    reliability: reliabilityBins(input),
    questions: cells.questions.map((question, q) => {
      const { id, options, ordered } = table.questions[q]!;
      const groups = question.cells.flatMap(({ group, index, place }): GroupDetails[] => {
        if (defined[index] === 0) return [];
        const to = place + options.length;
        return [
          {
            group: groupName(input.groups.names[group]!, by),
            n: answers[index]!,
            truth: Array.from(truth.subarray(place, to)),
            predicted: Array.from(predicted.subarray(place, to)),
            emd: emd(truth, predicted, options.length, ordered, place),
          },
        ];
      });
      return { id, options, ordered, dispersion: dispersions[q]!, groups };
    }),
  };
}

/** Names of groups of several attributes are JSON lists. */
function groupName(name: string, by: readonly string[] | undefined): string {
  return by !== undefined && by.length > 1 ? (JSON.parse(name) as string[]).join(", ") : name;
}
