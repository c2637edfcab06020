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
export interface Examples<E> {
  readonly length: number;
  at(index: number): E;
}

/** Sizes of the largest of some batches: B examples of T tokens, R of a batch's tokens followed by labels. */
export function largestBatch<E>(
  batches: readonly (readonly E[])[],
  { size }: Pick<Objective<E>, "size">,
): { B: number; T: number; R: number } {
  const largest = { B: 0, T: 0, R: 0 };
  for (const batch of batches) {
    const sizes = batch.map(size);
    largest.B = Math.max(largest.B, batch.length);
    largest.T = sizes.reduce((most, { tokens }) => Math.max(most, tokens), largest.T);
    largest.R = Math.max(
      largest.R,
      sizes.reduce((sum, { labels }) => sum + labels, 0),
    );
  }
  return largest;
}
