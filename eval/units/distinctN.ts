import type { UnitMetric } from "./unitMetric.ts";
import type { Ngrams } from "./ngrams.ts";
import type { PromptTexts } from "./promptTexts.ts";

/** `distinctN` of the texts of a prompt. */
const distinct = (n: number, what: string): UnitMetric<PromptTexts> => ({
  title: `different ${what} over all ${what}`,
  higherIsBetter: null,
  range: [0, 1],
  of: ({ orders }) => distinctN(orders[n - 1]!),
  without: `prompts with a text of fewer than ${n} tokens`,
});

export const distinct1 = distinct(1, "words");
export const distinct2 = distinct(2, "2-grams");
export const distinct3 = distinct(3, "3-grams");

/**
 * Distinct-n (Li et al. 2016): different n-grams over all n-grams, of all texts together.
 *
 * 1: no n-gram occurs twice; near 0: the texts repeat themselves and each other; never 0 or negative; NaN: no text has
 * n tokens. It falls with the number and the length of texts: compare it for equal numbers and lengths only.
 */
export function distinctN({ lengths, distinct }: Ngrams): number {
  return distinct / lengths.reduce((sum, length) => sum + length, 0);
}
