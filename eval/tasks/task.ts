import type { Profiled, Source } from "../../datasets/index.ts";
import type { Profile } from "../../src/core/text/index.ts";
import type { MetricResult } from "../metrics/result.ts";

/** A model as a task sees it: it is put examples of a data set. */
export interface Respondent<E extends Profiled> {
  /** The part of a profile that it is told: people who are equal in it get the same answers. */
  told(profile: Profile): Profile;
  /**
   * @param people The examples that each person is asked, at least one; all of a person's have one profile.
   * @returns For each of them the log-likelihood, in nats, of each answer that its prompt has.
   */
  logLikelihoods(people: readonly (readonly E[])[]): Promise<number[][][]>;
}

/** What is put to a model at one go, and kept as one part of an evaluation that may be interrupted. */
export interface Chunk {
  /** Tells it from the other chunks of a plan, by what is asked alone: not by where in the plan it stands. */
  readonly key: string;
  /** Number of distinct questions, by which progress is counted. */
  readonly questions: number;
}

/** A chunk, and what the model answered. */
export interface Answered<C extends Chunk, A> {
  readonly chunk: C;
  readonly answers: A;
}

/** What an evaluation measured on some of its examples. */
export interface Measured {
  /** How many there were, by what is counted. */
  readonly samples: { readonly examples: number; readonly [counted: string]: number };
  readonly metrics: Readonly<Record<string, MetricResult>>;
}

export interface MeasureOptions {
  /** Attributes whose combined values make the groups; null: the task's own choice. */
  readonly by: readonly string[] | null;
  /** What is drawn whole in a resample; null: the task's own choice. */
  readonly cluster: "participant" | "question" | null;
  readonly resamples: number;
  readonly permutations: number;
  readonly seed: number;
}

/**
 * How examples of one kind are evaluated: what a model is asked, the table that its answers make, and what is measured on
 * it. A task is stateless; an evaluation calls its methods in the order in which they stand here.
 *
 * E examples, C chunks, A what is kept of a chunk's answers (JSON as it is), T the table.
 */
export interface EvalTask<E extends Profiled, C extends Chunk = Chunk, A = unknown, T = unknown> {
  /** What a model is to be asked: the same chunks for the same source and profiles, in every run. */
  plan(source: Source<E>, told: Respondent<E>["told"]): readonly C[];
  answer(chunk: C, source: Source<E>, respondent: Respondent<E>): Promise<A>;
  /** Whether what a file holds is a whole answer to a chunk. */
  isAnswer(chunk: C, source: Source<E>, found: unknown): found is A;
  /** The table of all answers. */
  table(source: Source<E>, answered: readonly Answered<C, A>[]): T;
  measure(table: T, options: MeasureOptions): Measured;
  /** The part of a table that is about some examples, by their positions in the source. */
  select(table: T, examples: readonly number[]): T;
  /** What results say of the examples, beside what is measured. */
  describe(source: Source<E>): { readonly questions: Readonly<Record<string, string>> };
  /** Names of the files that `write` leaves. */
  readonly files: readonly string[];
  /** @param metadata Where the answers come from. */
  write(folder: string, table: T, metadata: Readonly<Record<string, string>>): void;
}
