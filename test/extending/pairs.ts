/**
 * An objective that is in no table, in one file: of two answers, the chosen one shall be likelier. It is DPO (arXiv 2305.18290)
 * without a reference model.
 *
 *   L = mean over pairs of -log sigmoid(beta (log p(chosen) - log p(rejected)))
 *
 * The answers are branches of one prompt, which is computed once; a pair's labels have the weights 1 and -1.
 */
import type { Objective } from "../../src/core/train/index.ts";
import { add, constant, exp, log, matmul, mul, neg, reduceSum, reshape } from "../../src/core/ops/index.ts";

const BETA = 0.5;

export interface Pair {
  readonly id: string;
  readonly prompt: readonly number[];
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
}

export const pairs: Objective<Pair> = {
  name: "pairs",

  size: ({ prompt, chosen, rejected }) => ({
    tokens: prompt.length + chosen.length + rejected.length - 2,
    labels: chosen.length + rejected.length,
  }),

  collate(batch, step) {
    const labels = batch.flatMap(({ prompt, chosen, rejected }, tree) => {
      const end = prompt.length - 1;
      const branch = (answer: readonly number[], start: number, sign: number) =>
        answer.map((token, i) => ({ tree, position: i === 0 ? end : start + i - 1, token, sign }));
      return [...branch(chosen, end + 1, 1), ...branch(rejected, end + chosen.length, -1)];
    });
    const sign = Float64Array.from(
      batch.flatMap((_, pair) => labels.map(({ tree, sign }) => (tree === pair ? sign : 0))),
    );
    return {
      trees: batch.map(({ prompt, chosen, rejected }) => {
        const end = prompt.length - 1;
        const [first, second] = [chosen.slice(0, -1), rejected.slice(0, -1)];
        const follow = (answer: readonly number[], start: number) =>
          answer.map((_, i) => (i === 0 ? end : start + i - 1));
        return {
          ids: [...prompt, ...first, ...second],
          parents: [
            ...prompt.map((_, i) => i - 1),
            ...follow(first, end + 1),
            ...follow(second, end + 1 + first.length),
          ],
        };
      }),
      profiles: batch.map(() => 0),
      labels,
      feeds: {
        sign: { shape: [batch.length, labels.length], data: sign },
        share: { shape: [batch.length], data: new Float64Array(batch.length).fill(1 / step.length) },
      },
    };
  },

  loss(logProbs, feed) {
    const one = constant(logProbs.graph, 1);
    const share = feed("share", "float", ["B"]);
    const margin = reshape(matmul(feed("sign", "float", ["B", "N"]), reshape(logProbs, ["N", 1])), ["B"]);
    const losses = log(add(one, exp(mul(neg(margin), constant(logProbs.graph, BETA)))));
    return {
      loss: reduceSum(mul(losses, share), [0], false),
      logged: { margin: reduceSum(mul(margin, share), [0], false) },
    };
  },
};
