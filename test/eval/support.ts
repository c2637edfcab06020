import { type PredictionRow, type PredictionTable } from "../../eval/predictions/predictionTable.ts";
import { PredictionTableBuilder } from "../../eval/predictions/predictionTableBuilder.ts";

/** A row of a question with two ordered options, with what a test wants changed. */
export function row(changes: Partial<PredictionRow> = {}): PredictionRow {
  const probabilities = changes.probabilities ?? [0.25, 0.75];
  return {
    exampleId: "e1",
    questionId: `q${probabilities.length}`,
    participantId: "p1",
    profile: { country: "Japan" },
    options: probabilities.map((_, k) => `option ${k}`),
    ordered: true,
    answer: 1,
    target: null,
    probabilities,
    weight: 1,
    ...changes,
  };
}

/** A table of rows; the example ids are their numbers. */
export function tableOf(rows: readonly Partial<PredictionRow>[]): PredictionTable {
  const builder = new PredictionTableBuilder();
  for (const [i, changes] of rows.entries()) builder.add(row({ exampleId: String(i), ...changes }));
  return builder.build();
}
