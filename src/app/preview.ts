import { z } from "zod";
import { profileText } from "../core/text/index.ts";
import { treeAnswers } from "../core/train/index.ts";
import { checkArgument } from "../core/util/index.ts";
import type { RunConfig } from "./runConfig.ts";
import type { RunData } from "./training/runData.ts";

/** A training example, as it is trained. */
export interface PreviewExample {
  readonly id: string;
  /** The text of `inputIds`. */
  readonly text: string;
  readonly inputIds: readonly number[];
  /** Aligned with `inputIds`: the token itself where it is trained, -100 elsewhere. The loss shifts them by one. */
  readonly labels: readonly number[];
  readonly profileText: string;
  /** With soft labels: tokens and shares of all answers; `inputIds` shows the likeliest. */
  readonly target?: { readonly answers: readonly (readonly number[])[]; readonly probabilities: readonly number[] };
}

/** The first examples of a run, in the order in which they are trained. */
export function previewExamples(
  { train }: RunConfig,
  { base, source, feed }: RunData,
  limit: number,
): PreviewExample[] {
  checkArgument("limit", z.int().nonnegative(), limit);
  const shown: PreviewExample[] = [];
  for (const example of feed.examples()) {
    if (shown.length === limit) break;
    const answers = treeAnswers(example);
    const likeliest = answers.reduce((best, answer) => (answer.share > best.share ? answer : best)).tokens;
    const prompt = example.inputIds.slice(0, example.targets[0]!.position + 1);
    const inputIds = [...prompt, ...likeliest];
    shown.push({
      id: example.id,
      text: base.tokenizer.decode(inputIds),
      inputIds,
      labels: [...prompt.map(() => -100), ...likeliest],
      profileText: profileText(source.profiles[example.profile]!),
      ...(train.labels === "soft" && {
        target: { answers: answers.map(({ tokens }) => tokens), probabilities: answers.map(({ share }) => share) },
      }),
    });
  }
  return shown;
}
