import { mean } from "../metrics/result.ts";
import type { UnitMetric } from "./unitMetric.ts";
import type { Ngrams } from "./ngrams.ts";
import type { PromptTexts } from "./promptTexts.ts";

/** `selfBleu` of the texts of a prompt. */
export const selfBleuMetric: UnitMetric<PromptTexts> = {
  title: "BLEU-4 of each text against the prompt's others",
  higherIsBetter: null,
  range: [0, 1],
  of: ({ orders }) => selfBleu(orders),
};

/**
 * Self-BLEU (Zhu et al. 2018): the mean over texts of each one's BLEU-4 against all the others.
 *
 * 1: every text is like another one; 0: no two share a token; never negative; NaN: no texts.
 * @param orders The texts' n-grams for n = 1 .. 4.
 */
export function selfBleu(orders: readonly Ngrams[]): number {
  return mean(leaveOneOutBleu(orders));
}

/**
 * BLEU of each text against all the others as references, in [0, 1]: sacrebleu's sentence BLEU over 100, of tokens as
 * they are (`tokenize="none"`), with exponential smoothing and effective order.
 *
 * BP * exp(mean over n of log p_n), p_n = matched / all n-grams of the text, a match counted at most as often as in the
 * reference that has it most often. The j-th p_n without a match counts 1 / (2^j * all n-grams), orders that the text
 * is too short for do not count, and a text that shares no n-gram at all has 0. BP = exp(1 - r / c) for a text of c
 * tokens below r, the reference length nearest to c (the shorter of two).
 * @param orders The texts' n-grams for n = 1, 2 ..
 */
export function leaveOneOutBleu(orders: readonly Ngrams[]): number[] {
  const [{ lengths }] = orders as readonly [Ngrams];
  const matched = orders.map(matches);
  return lengths.map((length, text) => {
    if (matched.every((of) => of[text] === 0)) return 0;
    let logs = 0;
    let used = 0;
    let smoothing = 1;
    for (const [n, order] of orders.entries()) {
      const all = order.lengths[text]!;
      if (all === 0) break;
      used++;
      const found = matched[n]![text]!;
      logs += Math.log(found > 0 ? found / all : 1 / ((smoothing *= 2) * all));
    }
    const reference = nearestLength(length, lengths, text);
    return Math.min(1, Math.exp(1 - reference / length)) * Math.exp(logs / used);
  });
}

/** By text, how many of its n-grams other texts have. */
function matches({ lengths, distinct, starts, texts, counts }: Ngrams): Float64Array {
  const matched = new Float64Array(lengths.length);
  for (let code = 0; code < distinct; code++) {
    // The largest count in a text, that text, and the largest count in another one.
    let most = 0;
    let owner = -1;
    let second = 0;
    for (let i = starts[code]!; i < starts[code + 1]!; i++) {
      const count = counts[i]!;
      if (count > most) {
        second = most;
        most = count;
        owner = texts[i]!;
      } else if (count > second) second = count;
    }
    for (let i = starts[code]!; i < starts[code + 1]!; i++) {
      const text = texts[i]!;
      matched[text]! += Math.min(counts[i]!, owner === text ? second : most);
    }
  }
  return matched;
}

function nearestLength(length: number, lengths: readonly number[], self: number): number {
  let best = Infinity;
  for (const [text, other] of lengths.entries()) {
    if (text === self) continue;
    const further = Math.abs(other - length) - Math.abs(best - length);
    if (further < 0 || (further === 0 && other < best)) best = other;
  }
  return best;
}
