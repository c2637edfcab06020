import type { Shape, Value } from "../src/core/graph/index.ts";
import { constant, expand, gatherLast, scatterLast, softmax, topK } from "../src/core/ops/index.ts";

/** The experts chosen for each token [B, T, K], and their weights. */
export interface TopExperts {
  readonly index: Value;
  readonly weights: Value;
}

export interface Gates {
  /** Weights of the experts [..., E]; 0 for those not chosen. */
  readonly gates: Value;
  /** 1 for each chosen expert, 0 elsewhere [..., E]. */
  readonly chosen: Value;
  /** Null where every expert is chosen. */
  readonly top: TopExperts | null;
}

/** Router logits [..., E] to gates. E experts, K of them for each token. */
type Gating = (logits: Value, topK: number) => Gates;

/**
 * How router logits become the weights of experts.
 * - `topk-softmax` (the paper): the softmax over the K largest logits; they sum to 1.
 * - `double-softmax` (the reference code at 0ba7659): the K largest probabilities, and a softmax over these again, so
 *   that with K = 2 a weight stays between 0.27 and 0.73.
 * - `soft`: the softmax over all experts.
 * - `soft-topk` (the reference code's soft routing): the K largest probabilities as they are; they sum to less than 1.
 */
export const gatings = {
  "topk-softmax": (logits, k) => {
    const index = topK(logits, k);
    return chosenBy(index, softmax(gatherLast(logits, index)), logits.shape);
  },
  "double-softmax": (logits, k) => {
    const probabilities = softmax(logits);
    const index = topK(probabilities, k);
    return chosenBy(index, softmax(gatherLast(probabilities, index)), logits.shape);
  },
  soft: (logits) => ({ gates: softmax(logits), chosen: ones(logits, logits.shape), top: null }),
  "soft-topk": (logits, k) => {
    const probabilities = softmax(logits);
    const index = topK(probabilities, k);
    return chosenBy(index, gatherLast(probabilities, index), logits.shape);
  },
} satisfies Record<string, Gating>;

export type GatingName = keyof typeof gatings;
export const gatingNames = Object.keys(gatings) as [GatingName, ...GatingName[]];

function chosenBy(index: Value, weights: Value, shape: Shape): Gates {
  const experts = shape.at(-1) as number;
  return {
    gates: scatterLast(weights, index, experts),
    chosen: scatterLast(ones(weights, index.shape), index, experts),
    top: { index, weights },
  };
}

function ones(like: Value, shape: Shape): Value {
  return expand(constant(like.graph, 1), shape);
}
