import type { Unit } from "./unitMetric.ts";
import { ngramsOf, type Ngrams } from "./ngrams.ts";
import { groupBy } from "./scores.ts";

/** Orders of n-grams: Distinct-1 to -3, BLEU-4, and the n-gram kernel. */
const ORDERS = 4;

/** The texts of one prompt, two or more, cut to the length of the shortest. */
export interface PromptTexts extends Unit {
  /** N-grams of the cut texts for n = 1 .. 4. */
  readonly orders: readonly Ngrams[];
  /** [texts, texts] similarities. */
  readonly kernel: () => number[][];
}

interface Tokenized {
  readonly promptId: string;
  readonly tokens: readonly string[];
}

/** Texts of one prompt that can be compared, and the length to which they are cut. */
export interface Prompt<Row> {
  readonly id: string;
  readonly rows: readonly Row[];
  readonly length: number;
}

/** Texts by prompt; those without a token are left out, and so are prompts that have fewer than two others. */
export function promptsOf<Row extends Tokenized>(rows: readonly Row[]): Prompt<Row>[] {
  const withText = rows.filter(({ tokens }) => tokens.length > 0);
  return [...groupBy(withText, ({ promptId }) => promptId)].flatMap(([id, ofPrompt]) => {
    const length = ofPrompt.reduce((shortest, { tokens }) => Math.min(shortest, tokens.length), Infinity);
    return ofPrompt.length < 2 ? [] : [{ id, rows: ofPrompt, length }];
  });
}

/** The texts of a prompt as its metrics see them. @param kernelOfTexts [texts, texts] from texts and their n-grams. */
export function promptTexts<Row extends Tokenized>(
  { id, rows, length }: Prompt<Row>,
  kernelOfTexts: (rows: readonly Row[], orders: readonly Ngrams[]) => number[][],
): PromptTexts {
  const cut = rows.map(({ tokens }) => tokens.slice(0, length));
  const orders = ngramsOf(cut, ORDERS);
  return { cluster: id, rows: rows.length, orders, kernel: () => kernelOfTexts(rows, orders) };
}
