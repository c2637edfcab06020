import type { Objective } from "./objective.ts";

/** Where the examples of a step come from: a seeded schedule over a source, or rollouts of the policy itself. */
export interface Feed<E> {
  /** Steps that a run takes. */
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /**
   * The batches of a step. They depend on its number only, so that a resumed run goes on where it stopped.
   * @param step Counted from 1.
   */
  batches(step: number): Promise<readonly (readonly E[])[]>;
}

/** Examples made when asked for. */
export interface Source<E> {
  readonly length: number;
  at(index: number): E;
}

/** Sizes of the largest of some batches: B examples of T tokens, R of a batch's tokens followed by labels. */
export function largestBatch<E>(
  batches: readonly (readonly E[])[],
  { size }: Pick<Objective<E>, "size">,
): { B: number; T: number; R: number } {
  const sizes = batches.map((batch) => batch.map(size));
  return {
    B: Math.max(...sizes.map((batch) => batch.length)),
    T: Math.max(...sizes.flat().map(({ tokens }) => tokens)),
    R: Math.max(...sizes.map((batch) => batch.reduce((sum, { labels }) => sum + labels, 0))),
  };
}
