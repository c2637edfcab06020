import * as huggingFace from "@huggingface/tokenizers";
import * as z from "zod";
import { CumaError, largest, show, smallest } from "../../util/index.ts";
import { BYTE_CHARACTERS } from "./bytes.ts";
import { checkPart, nameOf, type Part } from "./steps.ts";

/** Splits words into the tokens of a vocabulary. */
export interface VocabularyModel {
  /** Added tokens are not in it. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Token ids of one word. */
  tokenise(word: string): number[];
}

/** What is used of the library; its own declarations do not resolve under Node's module rules. */
const { BPE } = huggingFace as unknown as {
  readonly BPE: new (options: object) => (words: readonly string[]) => string[];
};

const id = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const vocabularySchema = z
  .custom<Readonly<Record<string, number>>>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    "expected tokens with their ids",
  )
  .superRefine((vocabulary, context) => {
    for (const [token, value] of Object.entries(vocabulary)) {
      if (id.safeParse(value).success) continue;
      context.addIssue({ code: "custom", path: [token], message: "expected an id from 0 to 2147483647" });
      return;
    }
  })
  .transform((vocabulary) => new Map(Object.entries(vocabulary)));

const nothing = z.literal("").nullish();

const bpe = z.strictObject({
  type: z.string().nullish(),
  vocab: vocabularySchema,
  merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  // With dropout the ids are random.
  dropout: z.literal(0).nullish(),
  unk_token: z.string().nullish(),
  continuing_subword_prefix: nothing,
  end_of_word_suffix: z.string().nullish(),
  fuse_unk: z.boolean().nullish(),
  byte_fallback: z.boolean().nullish(),
  ignore_merges: z.boolean().nullish(),
});

const wordPiece = z.strictObject({
  type: z.string().nullish(),
  vocab: vocabularySchema,
  unk_token: z.string(),
  continuing_subword_prefix: z.string(),
  max_input_chars_per_word: z.int().min(0),
});

const wordLevel = z.strictObject({ type: z.string().nullish(), vocab: vocabularySchema, unk_token: z.string() });

const unigram = z.strictObject({
  type: z.string().nullish(),
  vocab: z.array(z.tuple([z.string(), z.number()])).min(1),
  unk_id: id,
  byte_fallback: z.literal(false).nullish(),
});

type Build = (section: unknown, part: Part) => VocabularyModel;

export const MODELS: Readonly<Record<string, Build>> = {
  BPE: (section, part) => buildBpe(checkPart(section, bpe, part), part),
  WordPiece: (section, part) => buildWordPiece(checkPart(section, wordPiece, part), part),
  WordLevel: (section, part) => {
    const { vocab, unk_token: unknown } = checkPart(section, wordLevel, part);
    const unknownId = tokenId(unknown, "unk_token", vocab, part);
    return { vocabulary: vocab, tokenise: (word) => [vocab.get(word) ?? unknownId] };
  },
  Unigram: (section, part) => buildUnigram(checkPart(section, unigram, part), part),
};

function tokenId(token: string, option: string, vocabulary: ReadonlyMap<string, number>, part: Part): number {
  const found = vocabulary.get(token);
  if (found !== undefined) return found;
  throw new CumaError(`${nameOf(part)}: "${option}" is ${show(token)}, which is not in "vocab"`);
}

function buildBpe(options: z.output<typeof bpe>, part: Part): VocabularyModel {
  const { vocab, unk_token: unknown } = options;
  const merges = checkMerges(options.merges, vocab, part);
  if (options.byte_fallback) {
    for (let byte = 0; byte < 256; byte++) tokenId(byteToken(byte), "byte_fallback", vocab, part);
  }
  const unknownId = unknown == null ? null : tokenId(unknown, "unk_token", vocab, part);
  const model = new BPE({ ...options, vocab: Object.fromEntries(vocab), merges });
  const ids = (word: string): number[] => model([word]).map((token) => vocab.get(token) ?? unknownId!);
  if (unknownId !== null || options.byte_fallback) return { vocabulary: vocab, tokenise: ids };
  if (options.end_of_word_suffix) {
    throw new CumaError(`${nameOf(part)}: "end_of_word_suffix" is not supported without "unk_token"`);
  }
  // What is in no token is left out before the rest is merged.
  const complete = BYTE_CHARACTERS.every((character) => vocab.has(character));
  return {
    vocabulary: vocab,
    tokenise: (word) =>
      ids(
        complete
          ? word
          : Array.from(word)
              .filter((character) => vocab.has(character))
              .join(""),
      ),
  };
}

/** The longest token that a word begins with, then the longest that what is left begins with; or none at all. */
function buildWordPiece(options: z.output<typeof wordPiece>, part: Part): VocabularyModel {
  const { vocab, unk_token: unknown, continuing_subword_prefix: prefix, max_input_chars_per_word: most } = options;
  const unknownId = tokenId(unknown, "unk_token", vocab, part);
  const longest = largest(Array.from(vocab.keys(), ({ length }) => length));
  const tokenise = (word: string): number[] => {
    const characters = Array.from(word);
    if (characters.length > most) return [unknownId];
    const ids: number[] = [];
    for (let start = 0; start < characters.length;) {
      let end = Math.min(characters.length, start + longest);
      let found: number | undefined;
      for (; end > start; end--) {
        found = vocab.get((start > 0 ? prefix : "") + characters.slice(start, end).join(""));
        if (found !== undefined) break;
      }
      if (found === undefined) return [unknownId];
      ids.push(found);
      start = end;
    }
    return ids;
  };
  return { vocabulary: vocab, tokenise };
}

/** How much less likely than the least likely token an unknown character is, in natural logarithms. */
const UNKNOWN_PENALTY = 10;

/** The tokens with the largest sum of scores; unknown characters that stand together are one token. */
function buildUnigram({ vocab, unk_id: unknownId }: z.output<typeof unigram>, part: Part): VocabularyModel {
  if (unknownId >= vocab.length) {
    throw new CumaError(`${nameOf(part)}: "unk_id" is ${unknownId}, but there are ${vocab.length} tokens`);
  }
  const vocabulary = new Map(vocab.map(([token], i) => [token, i]));
  const tokenScores = vocab.map(([, score]) => roundedTwice(score));
  const longest = largest(vocab.map(([token]) => token.length));
  const unknownScore = smallest(tokenScores) - UNKNOWN_PENALTY;
  const tokenise = (word: string): number[] => {
    // Of the best way to each place of the word: its score, its last token and where that begins.
    const scores = new Float64Array(word.length + 1);
    const lasts = new Int32Array(word.length + 1);
    const starts = new Int32Array(word.length + 1).fill(-1);
    const offer = (id: number, score: number, start: number, end: number): void => {
      if (starts[end] !== -1 && !(score > scores[end]!)) return;
      scores[end] = score;
      lasts[end] = id;
      starts[end] = start;
    };
    for (let start = 0; start < word.length;) {
      const next = start + String.fromCodePoint(word.codePointAt(start)!).length;
      for (let end = next; end <= Math.min(word.length, start + longest); end++) {
        const id = vocabulary.get(word.slice(start, end));
        if (id !== undefined) offer(id, tokenScores[id]! + scores[start]!, start, end);
      }
      if (!vocabulary.has(word.slice(start, next))) {
        offer(unknownId, unknownScore + scores[start]!, start, next);
      }
      start = next;
    }
    const ids: number[] = [];
    for (let end = word.length; end > 0; end = starts[end]!) {
      if (lasts[end] !== unknownId || ids.at(-1) !== unknownId) ids.push(lasts[end]!);
    }
    return ids.reverse();
  };
  return { vocabulary, tokenise };
}

/**
 * The original library reads a decimal as a whole number by a power of ten, each rounded: a last bit, on which it hangs
 * which of two ways of the same score is taken.
 */
function roundedTwice(score: number): number {
  const [, whole, decimals] = /^(-?\d+)\.(\d+)$/.exec(String(score)) ?? [];
  return decimals === undefined ? score : Number(`${whole}${decimals}`) / 10 ** decimals.length;
}

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}

/** Pairs, all of whose tokens are in the vocabulary: the original library reads no others. */
function checkMerges(
  merges: readonly (string | readonly [string, string])[],
  vocabulary: ReadonlyMap<string, number>,
  part: Part,
): (readonly [string, string])[] {
  const listed = merges.filter((merge) => typeof merge !== "string" || !merge.startsWith("#version"));
  return listed.map((merge, i) => {
    const pair = typeof merge === "string" ? merge.split(" ") : merge;
    const [first = "", second = ""] = pair;
    if (pair.length !== 2 || ![first, second, first + second].every((token) => vocabulary.has(token))) {
      throw new CumaError(
        `${nameOf(part)}: merge ${i + 1} is ${show(merge)}; expected two tokens that are in "vocab" and give a third`,
      );
    }
    return [first, second];
  });
}

/**
 * The section "model".
 * @throws CumaError naming a type or an option that is not supported.
 */
export function readModel(section: unknown, part: Part): VocabularyModel {
  const { type, vocab } = checkPart(
    section,
    z.looseObject({
      type: z.string().nullish(),
      vocab: z.custom((value) => typeof value === "object" && value !== null),
    }),
    part,
  );
  const name = type ?? untyped(section as object, Array.isArray(vocab));
  if (!Object.hasOwn(MODELS, name)) {
    throw new CumaError(
      `${nameOf(part)} is of the type ${show(type)}, which is not supported; supported are ${Object.keys(MODELS).sort().join(", ")}`,
    );
  }
  return MODELS[name]!(section, part);
}

/** Older files do not say their type. */
function untyped(section: object, isList: boolean): string {
  if (isList) return "Unigram";
  if ("merges" in section) return "BPE";
  return "continuing_subword_prefix" in section ? "WordPiece" : "WordLevel";
}
