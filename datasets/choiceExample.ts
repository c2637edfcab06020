import type { Choice } from "../src/core/text/index.ts";

/** One person (or one group) asked one question with fixed options. */
export interface ChoiceExample extends Choice {
  /** Unique within the data set and stable between runs. */
  readonly id: string;
  readonly questionId: string;
  /** Who answered; null where the record is a group's distribution. */
  readonly participantId: string | null;
  /** Whether the options, in their order, are levels of one scale. */
  readonly ordered: boolean;
  /** Index of the person's option; null where only a distribution is known. */
  readonly answer: number | null;
  /** True distribution over the options (sums to 1); null where only one answer is known. */
  readonly target: readonly number[] | null;
  /** Weight in averages (default 1 everywhere). */
  readonly weight: number;
}
