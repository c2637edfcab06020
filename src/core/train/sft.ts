import type { Precision } from "../graph/index.ts";
import { makeBatch, type Batch } from "../decoder/index.ts";
import type { Labels } from "./plan.ts";

/** What a token is trained to be: one token, or a distribution over several. */
export interface Target {
  /** Index of the token that predicts it. */
  readonly position: number;
  readonly tokens: readonly number[];
  /** Sum to `share`. */
  readonly probabilities: readonly number[];
  /** Of the example's people, those whose answers pass here: 1 but on the branches of a tree. */
  readonly share: number;
}

/** An example for supervised fine-tuning. */
export interface SftExample {
  readonly id: string;
  /** Prompt and answers; the last token of an answer is left out, since nothing is predicted from it. */
  readonly inputIds: readonly number[];
  /** Index of the token that each one follows (see `TokenTree`). */
  readonly parents: readonly number[];
  readonly targets: readonly Target[];
  /** Number of people whose answer this is. */
  readonly weight: number;
  /** Index into the vectors of the run's profiles. */
  readonly profile: number;
}

/** Examples made when asked for. */
export interface SftSource {
  readonly length: number;
  at(index: number): SftExample;
}

/** Answer tokens of examples, each counted with the example's weight. */
export function answerWeight(examples: readonly SftExample[]): number {
  return examples.reduce(
    (sum, { targets, weight }) => sum + targets.reduce((n, { share }) => n + share, 0) * weight,
    0,
  );
}

/**
 * A padded batch and its labels.
 * @param total What the weights of the labels are divided by: the answer tokens of all batches of a step.
 */
export function sftBatch(
  examples: readonly SftExample[],
  total: number,
  precision: Precision,
): { batch: Batch; labels: Labels } {
  const batch = makeBatch(
    examples.map(({ inputIds, parents }) => ({ ids: inputIds, parents })),
    { precision },
  );
  const rows: number[] = [];
  const row: number[] = [];
  const token: number[] = [];
  const weight: number[] = [];
  for (const [b, example] of examples.entries()) {
    for (const { position, tokens, probabilities } of example.targets) {
      for (const [i, id] of tokens.entries()) {
        if (probabilities[i] === 0) continue;
        row.push(rows.length);
        token.push(id);
        weight.push((probabilities[i]! * example.weight) / total);
      }
      rows.push(b * batch.tokens + batch.starts[b]! + position);
    }
  }
  return {
    batch,
    labels: {
      rows: Int32Array.from(rows),
      row: Int32Array.from(row),
      token: Int32Array.from(token),
      weight: Float64Array.from(weight),
    },
  };
}
