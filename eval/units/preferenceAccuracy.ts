import type { UnitMetric } from "./unitMetric.ts";

/** The log-probabilities that a model gives the answers of one pair, and their numbers of tokens where known. */
export interface PairLogProbs {
  readonly chosen: number;
  readonly rejected: number;
  readonly chosenTokens: number | null;
  readonly rejectedTokens: number | null;
  /** Of the reference model; null without one. */
  readonly reference: { readonly chosen: number; readonly rejected: number } | null;
}

/** Rewards of both answers: log pi(answer), less log pi_ref(answer) where there is a reference (DPO's, over its beta). */
function rewards({ chosen, rejected, reference }: PairLogProbs): { chosen: number; rejected: number } {
  return { chosen: chosen - (reference?.chosen ?? 0), rejected: rejected - (reference?.rejected ?? 0) };
}

/** How far the chosen answer's reward is above the rejected one's. Positive: the pair is ranked as people do. */
export function margin(pair: PairLogProbs): number {
  const { chosen, rejected } = rewards(pair);
  return chosen - rejected;
}

/** As `margin`, each reward divided by its answer's number of tokens; NaN where one is not known. */
export function marginPerToken(pair: PairLogProbs): number {
  const { chosen, rejected } = rewards(pair);
  return chosen / (pair.chosenTokens ?? NaN) - rejected / (pair.rejectedTokens ?? NaN);
}

/** What a pair adds to preference accuracy: 1 for a positive margin, 1/2 for 0, 0 for a negative one; NaN for NaN. */
export function rankedRight(margin: number): number {
  return (1 + Math.sign(margin)) / 2;
}

/**
 * Share of pairs whose chosen answer has the higher log-probability or, with a reference, the higher implicit reward;
 * pairs of equal reward count half.
 *
 * 1: every pair is ranked as people do; 1/2: chance; 0: each the other way round; never negative; NaN: no pair.
 */
export const preferenceAccuracy: UnitMetric<PairLogProbs> = {
  title: "pairs whose chosen answer has the higher reward",
  higherIsBetter: true,
  range: [0, 1],
  of: (pair) => rankedRight(margin(pair)),
};

/** As `preferenceAccuracy` with rewards by token, which long answers do not lose by their length. */
export const preferenceAccuracyPerToken: UnitMetric<PairLogProbs> = {
  title: "pairs whose chosen answer has the higher reward per token",
  higherIsBetter: true,
  range: [0, 1],
  of: (pair) => rankedRight(marginPerToken(pair)),
  without: "pairs without numbers of tokens",
};
