/** GPT-2's printable stand-ins for bytes, as byte-level tokenizers write them. */
const byteCharacters: readonly string[] = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
})();

/** GPT-2's pre-tokenisation: the pieces that merges never cross. */
const PIECE = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/**
 * Trains a byte-level BPE: the most frequent pair of neighbours is merged until the vocabulary is full. Ties go to the
 * pair that sorts first, so that the same texts always give the same merges.
 * @param special Tokens that stand for themselves; they get the first ids.
 * @returns The content of a tokenizer.json.
 */
export function trainByteLevelBpe(
  texts: Iterable<string>,
  vocabSize: number,
  special: readonly string[],
): Record<string, unknown> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [piece] of text.matchAll(PIECE)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  const words = [...counts].map(([piece, count]) => ({
    symbols: Array.from(new TextEncoder().encode(piece), (byte) => byteCharacters[byte]!),
    count,
  }));
  const vocab = [...special, ...byteCharacters];
  const merges: [string, string][] = [];
  while (vocab.length < vocabSize) {
    const best = mostFrequentPair(words);
    if (!best) break;
    merges.push(best);
    vocab.push(best.join(""));
    for (const word of words) word.symbols = merge(word.symbols, best);
  }
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocab.map((token, id) => [token, id])),
      merges,
    },
  };
}

function mostFrequentPair(words: readonly { symbols: string[]; count: number }[]): [string, string] | undefined {
  const pairs = new Map<string, number>();
  for (const { symbols, count } of words) {
    for (let i = 1; i < symbols.length; i++) {
      const key = `${symbols[i - 1]!} ${symbols[i]!}`;
      pairs.set(key, (pairs.get(key) ?? 0) + count);
    }
  }
  let best: string | undefined;
  let most = 1;
  for (const [key, count] of pairs) {
    if (count > most || (count === most && best !== undefined && key < best)) {
      best = key;
      most = count;
    }
  }
  return best?.split(" ") as [string, string] | undefined;
}

function merge(symbols: string[], [left, right]: readonly [string, string]): string[] {
  const merged: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) {
      merged.push(left + right);
      i++;
    } else merged.push(symbols[i]!);
  }
  return merged;
}
