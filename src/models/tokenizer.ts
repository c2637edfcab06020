import * as huggingFace from "@huggingface/tokenizers";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { checkJson, readJson } from "../io/index.ts";
import { CumaError, describeIssue, messageOf } from "../util/index.ts";

/** What is used of the library; its own declarations do not resolve under Node's module rules. */
interface LibraryTokenizer {
  encode(text: string, options: { add_special_tokens: boolean }): { readonly ids: number[] };
  decode(ids: readonly number[], options: { skip_special_tokens: boolean }): string;
  token_to_id(token: string): number | undefined;
  get_vocab(withAddedTokens: boolean): Map<string, number>;
}
const library = huggingFace as unknown as {
  readonly Tokenizer: new (tokenizer: object, config: object) => LibraryTokenizer;
};

export const TOKENIZER_FILE = "tokenizer.json";
export const TOKENIZER_CONFIG_FILE = "tokenizer_config.json";
const MAX_TOKENIZER_BYTES = 200_000_000;
const MAX_CONFIG_BYTES = 20_000_000;

/** Text to token ids and back. */
export interface Tokenizer {
  /** Path of its tokenizer.json, for messages. */
  readonly file: string;
  /** The largest id there is, plus one. */
  readonly vocabSize: number;
  readonly bosToken: string | null;
  readonly eosToken: string | null;
  readonly padId: number | null;
  /** What chat templates get of it, by the names that transformers gives them: bos_token, pad_token, image_token, ... */
  readonly specialTokens: Readonly<Record<string, string>>;
  /** @param addSpecialTokens Whether what the tokenizer puts around every text, such as [CLS], is put around this one. */
  encode(text: string, options: { readonly addSpecialTokens: boolean }): number[];
  /** Special tokens are kept. */
  decode(ids: readonly number[]): string;
}

const specialToken = z
  .union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)])
  .nullish()
  .transform((token) => token ?? null);

const configSchema = z.looseObject({
  bos_token: specialToken,
  eos_token: specialToken,
  pad_token: specialToken,
});

interface PreTokenizer {
  readonly type: string;
  readonly individual_digits?: boolean | undefined;
  readonly pretokenizers?: readonly PreTokenizer[] | undefined;
}

const preTokenizer: z.ZodType<PreTokenizer> = z.looseObject({
  type: z.string(),
  individual_digits: z.boolean().optional(),
  get pretokenizers() {
    return z.array(preTokenizer).optional();
  },
});

const tokenizerSchema = z.looseObject({
  model: z.looseObject({
    type: z.enum(["BPE", "WordPiece", "Unigram"]).nullish(),
    vocab: z.custom((vocab) => typeof vocab === "object" && vocab !== null, "expected tokens with their ids or scores"),
  }),
  pre_tokenizer: preTokenizer.nullish(),
});

/**
 * The JavaScript library's `Digits` splits at decimal digits only; the original's at every numeric character, such as
 * "½" and "Ⅳ". A `Split` by that class is the same in both.
 */
function exactDigits(step: PreTokenizer): PreTokenizer {
  if (step.pretokenizers) return { ...step, pretokenizers: step.pretokenizers.map(exactDigits) };
  if (step.type !== "Digits") return step;
  const pattern = { Regex: step.individual_digits ? "\\p{N}" : "\\p{N}+" };
  return { type: "Split", pattern, behavior: "Isolated", invert: false } as PreTokenizer;
}

/**
 * Reads tokenizer.json and, where it is there, tokenizer_config.json.
 * @throws CumaError naming the file that is missing or wrong.
 */
export function loadTokenizer(folder: string): Tokenizer {
  const file = join(folder, TOKENIZER_FILE);
  const configFile = join(folder, TOKENIZER_CONFIG_FILE);
  const json = readJson(file, MAX_TOKENIZER_BYTES);
  const parsed = tokenizerSchema.safeParse(json);
  if (!parsed.success) {
    throw new CumaError(`${file}: expected a tokenizer; ${describeIssue(parsed.error.issues[0]!, json)}`);
  }
  const configJson = existsSync(configFile) ? readJson(configFile, MAX_CONFIG_BYTES) : {};
  const config = checkJson(configFile, configJson, configSchema);
  const pre = parsed.data.pre_tokenizer;
  let tokenizer: LibraryTokenizer;
  try {
    tokenizer = new library.Tokenizer(
      pre ? { ...parsed.data, pre_tokenizer: exactDigits(pre) } : parsed.data,
      configJson as object,
    );
  } catch (error) {
    throw new CumaError(`${file}: is not a tokenizer that can be read: ${messageOf(error)}`, { cause: error });
  }
  let largest = -1;
  for (const id of tokenizer.get_vocab(true).values()) largest = Math.max(largest, id);
  const { bos_token: bosToken, eos_token: eosToken, pad_token: padToken } = config;
  const named = Object.entries(configJson as object).map(
    ([key, token]) => [key, specialToken.safeParse(token).data] as const,
  );
  const specialTokens = Object.fromEntries(
    named.filter((entry): entry is [string, string] => entry[0].endsWith("_token") && typeof entry[1] === "string"),
  );
  return {
    file,
    specialTokens,
    vocabSize: largest + 1,
    bosToken,
    eosToken,
    padId: padToken === null ? null : (tokenizer.token_to_id(padToken) ?? null),
    encode: (text, { addSpecialTokens }) => tokenizer.encode(text, { add_special_tokens: addSpecialTokens }).ids,
    decode: (ids) => (ids.length === 0 ? "" : tokenizer.decode(ids, { skip_special_tokens: false })),
  };
}

/** @throws CumaError where the tokenizer has ids that the model has no embedding for. */
export function checkVocabulary({ file, vocabSize }: Tokenizer, modelVocabSize: number, configFile: string): void {
  if (vocabSize <= modelVocabSize) return;
  throw new CumaError(
    `${file}: has token id ${vocabSize - 1}, but ${configFile} gives the model a vocab_size of ${modelVocabSize}; the two belong to different models`,
  );
}
