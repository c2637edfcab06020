import { z } from "zod";
import { profileText } from "../models/index.ts";
import { BatchSchedule } from "../train/index.ts";
import { checkArgument } from "../util/index.ts";
import type { RunConfig } from "./runConfig.ts";
import type { RunData } from "./training.ts";

/** A training example, as it is trained. */
export interface PreviewExample {
  readonly id: string;
  /** The text of `inputIds`. */
  readonly text: string;
  readonly inputIds: readonly number[];
  /** Aligned with `inputIds`: the token itself where it is trained, -100 elsewhere. The loss shifts them by one. */
  readonly labels: readonly number[];
  readonly profileText: string;
  /** With soft labels: the distribution that is trained instead of the one token that `labels` shows (the likeliest). */
  readonly target?: { readonly tokens: readonly number[]; readonly probabilities: readonly number[] };
}

/** The first examples of a run, in the order in which they are trained. */
export function previewExamples({ train }: RunConfig, { base, source }: RunData, limit: number): PreviewExample[] {
  checkArgument("limit", z.int().nonnegative(), limit);
  const schedule = new BatchSchedule(source.length, train.batchSize, train.seed, (i) => source.at(i).inputIds.length);
  const shown: PreviewExample[] = [];
  for (let batch = 0; shown.length < limit && batch < schedule.batchesPerEpoch * train.epochs; batch++) {
    for (const i of schedule.at(batch)) {
      if (shown.length === limit) break;
      const { id, inputIds, targets } = source.at(i);
      const last = targets.at(-1)!;
      const ids = [...inputIds, last.tokens[last.probabilities.indexOf(Math.max(...last.probabilities))]!];
      const labels = ids.map(() => -100);
      for (const { position } of targets) labels[position + 1] = ids[position + 1]!;
      shown.push({
        id,
        text: base.tokenizer.decode(ids),
        inputIds: ids,
        labels,
        profileText: profileText(source.cell(i).profile),
        ...(train.labels === "soft" && { target: { tokens: last.tokens, probabilities: last.probabilities } }),
      });
    }
  }
  return shown;
}
