import type { Profile } from "../src/core/text/index.ts";

/** One person (or one group) asked one question with fixed options. */
export interface ChoiceExample {
  /** Unique within the data set and stable between runs. */
  readonly id: string;
  readonly questionId: string;
  /** Who answered; null where the record is a group's distribution. */
  readonly participantId: string | null;
  readonly profile: Profile;
  readonly question: string;
  /** Texts of the options, in the order of the scale where there is one. */
  readonly options: readonly string[];
  /** Whether the options are levels of one scale. */
  readonly ordered: boolean;
  /** Index of the person's option; null where only a distribution is known. */
  readonly answer: number | null;
  /** True distribution over the options (sums to 1); null where only one answer is known. */
  readonly target: readonly number[] | null;
  /** Weight in averages (default 1 everywhere). */
  readonly weight: number;
}

/** Which examples of a split are loaded. */
export interface LoadOptions {
  /** Number of examples to draw; all when absent. */
  readonly limit?: number | undefined;
  /** Seed of the draw (default 0). */
  readonly seed?: number | undefined;
}

/** Examples that are made when asked for: a data set of millions of them need not sit in memory. */
export interface ExampleSource {
  readonly length: number;
  /** The example at a position in [0, length). */
  at(index: number): ChoiceExample;
  /** Names of the attributes that profiles of this source may have, in order. */
  readonly attributes: readonly string[];
  /** SHA-256 (hex) of each file that was read, by path relative to the data folder. */
  readonly files: Readonly<Record<string, string>>;
  /** What was changed or left out on reading, by reason. */
  readonly notes?: Readonly<Record<string, number>>;
  /**
   * Profiles that there are in any split, as far as reading this one tells, drawn by a limit or not; some name only some of their
   * attributes. Absent: those of the examples.
   */
  readonly known?: readonly Profile[];
  /** Where the data itself keeps groups out of its training split: whether the profile's is one of them. */
  isHeldOut?(profile: Profile): boolean;
}
