import type { DType, Feeds, Shape, Value } from "../graph/index.ts";
import type { Batch, TokenTree } from "../decoder/index.ts";

/** The labels of a padded batch: R rows, N labels. */
export interface Labels {
  /** Indices into B * T of the tokens that labels follow, int [R]. */
  readonly rows: Int32Array;
  /** Which of `rows`, and which token, for each label [N]. */
  readonly row: Int32Array;
  readonly token: Int32Array;
}

/** A token whose log-probability an objective asks for. */
export interface Label {
  /** Index of its tree in the batch. */
  readonly tree: number;
  /** Index, in the tree, of the token that it follows. */
  readonly position: number;
  readonly token: number;
}

/** Examples as the model reads them, and what is asked of it. */
export interface Collated {
  readonly trees: readonly TokenTree[];
  /** Index of the profile of each tree. */
  readonly profiles: readonly number[];
  /** N labels; those of one position stand behind one another. */
  readonly labels: readonly Label[];
  /** The numbers that `loss` asks for, by name. */
  readonly feeds: Feeds;
}

/**
 * A loss over the log-probabilities of label tokens: one file in `objectives/`, one row in its table. An objective says what an
 * example is to the model and what is lost on it; plans, optimisers and the loop know nothing else of it. What it weighs labels by
 * may have either sign.
 */
export interface Objective<E> {
  readonly name: string;
  /** Tokens of an example, and how many of them labels follow: for sorting by length, and for the memory a batch takes. */
  size(example: E): { readonly tokens: number; readonly labels: number };
  /** @param step All examples of the step, of which the batch is a part: the losses of its batches are added up. */
  collate(batch: readonly E[], step: readonly E[]): Collated;
  /**
   * @param logProbs Of the labels [N].
   * @param feed Declares one of the feeds that `collate` gives.
   * @returns A scalar, and others to be logged; both are added up over the batches of a step.
   */
  loss(
    logProbs: Value,
    feed: (name: string, dtype: DType, shape: Shape) => Value,
  ): { readonly loss: Value; readonly logged: Readonly<Record<string, Value>> };
}

/** Labels by their place in a padded batch. */
export function placeLabels(labels: readonly Label[], { starts, tokens }: Batch): Labels {
  const rows: number[] = [];
  const row = labels.map(({ tree, position }) => {
    const at = tree * tokens + starts[tree]! + position;
    if (rows.at(-1) !== at) rows.push(at);
    return rows.length - 1;
  });
  return {
    rows: Int32Array.from(rows),
    row: Int32Array.from(row),
    token: Int32Array.from(labels, ({ token }) => token),
  };
}
