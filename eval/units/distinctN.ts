import type { Ngrams } from "./ngrams.ts";

/**
 * Distinct-n (Li et al. 2016): different n-grams over all n-grams, of all texts together.
 *
 * 1: no n-gram occurs twice; near 0: the texts repeat themselves and each other; never 0 or negative; NaN: no text has
 * n tokens. It falls with the number and the length of texts: compare it for equal numbers and lengths only.
 */
export function distinctN({ lengths, distinct }: Ngrams): number {
  return distinct / lengths.reduce((sum, length) => sum + length, 0);
}
