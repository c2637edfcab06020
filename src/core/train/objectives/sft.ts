import type { Objective } from "../objective.ts";
import { mul, neg, reduceSum } from "../../ops/index.ts";

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

/**
 * Supervised fine-tuning: the cross-entropy between what people answered and what the model says, in nats, a mean over answer tokens.
 *
 *   L = - sum_i w_i log p(token_i) / sum_step w         w_i = weight of the example * share of the token
 */
export const sft: Objective<SftExample> = {
  name: "sft",

  size: ({ inputIds, targets }) => ({ tokens: inputIds.length, labels: targets.length }),

  collate(batch, step) {
    const total = answerWeight(step);
    const found = batch.flatMap(({ targets, weight }, tree) =>
      targets.flatMap(({ position, tokens, probabilities }) =>
        tokens.flatMap((token, i) => {
          const share = probabilities[i]!;
          return share === 0 ? [] : [{ tree, position, token, weight: (share * weight) / total }];
        }),
      ),
    );
    const weight = Float64Array.from(found, (label) => label.weight);
    return {
      trees: batch.map(({ inputIds, parents }) => ({ ids: inputIds, parents })),
      profiles: batch.map(({ profile }) => profile),
      labels: found,
      feeds: { weight: { shape: [weight.length], data: weight } },
    };
  },

  loss: (logProbs, feed) => ({
    loss: neg(reduceSum(mul(logProbs, feed("weight", "float", ["N"])), [0], false)),
    logged: {},
  }),
};

/** Answer tokens of examples, each counted with the example's weight. */
function answerWeight(examples: readonly SftExample[]): number {
  return examples.reduce(
    (sum, { targets, weight }) => sum + targets.reduce((n, { share }) => n + share, 0) * weight,
    0,
  );
}
