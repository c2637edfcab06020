/** The n-grams of several texts, for one n. */
export interface Ngrams {
  /** By text, how many n-grams it has. */
  readonly lengths: readonly number[];
  /** Number of different n-grams. */
  readonly distinct: number;
  /** N-gram g occurs in the texts `texts[starts[g] .. starts[g + 1]]`, `counts[i]` times in `texts[i]`. */
  readonly starts: Int32Array;
  readonly texts: Int32Array;
  readonly counts: Int32Array;
}

/** N-grams of texts for n = 1 .. `orders`. A text of fewer than n tokens has none. */
export function ngramsOf(texts: readonly (readonly string[])[], orders: number): Ngrams[] {
  const words = new Map<string, number>();
  const unigrams = texts.map((tokens) => Int32Array.from(tokens, (token) => codeIn(words, token)));
  const found = [occurrences(unigrams, words.size)];
  let shorter = unigrams;
  for (let n = 2; n <= orders; n++) {
    const pairs = new Map<number, number>();
    shorter = unigrams.map((unigram, t) => {
      const codes = new Int32Array(Math.max(0, unigram.length - n + 1));
      // An n-gram is the (n - 1)-gram at its place and its last token.
      for (let i = 0; i < codes.length; i++) {
        codes[i] = codeIn(pairs, shorter[t]![i]! * words.size + unigram[i + n - 1]!);
      }
      return codes;
    });
    found.push(occurrences(shorter, pairs.size));
  }
  return found;
}

function codeIn<Key>(codes: Map<Key, number>, key: Key): number {
  let code = codes.get(key);
  if (code === undefined) codes.set(key, (code = codes.size));
  return code;
}

/** @param codes By text, the n-gram at each place, a code from 0. */
function occurrences(codes: readonly Int32Array[], distinct: number): Ngrams {
  const starts = new Int32Array(distinct + 1);
  const last = new Int32Array(distinct).fill(-1);
  for (const [text, ofText] of codes.entries()) {
    for (const code of ofText) {
      if (last[code] !== text) starts[code + 1]!++;
      last[code] = text;
    }
  }
  for (let code = 0; code < distinct; code++) starts[code + 1]! += starts[code]!;
  const next = starts.slice(0, distinct);
  const texts = new Int32Array(starts[distinct]!);
  const counts = new Int32Array(starts[distinct]!);
  last.fill(-1);
  for (const [text, ofText] of codes.entries()) {
    for (const code of ofText) {
      if (last[code] !== text) texts[next[code]!++] = text;
      last[code] = text;
      counts[next[code]! - 1]!++;
    }
  }
  return { lengths: codes.map(({ length }) => length), distinct, starts, texts, counts };
}
