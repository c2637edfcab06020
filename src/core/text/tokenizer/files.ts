import * as z from "zod";
import { checkJson, CumaError, parseJson, show } from "../../util/index.ts";
import type { TextFiles } from "../textFiles.ts";
import { addedTokenSchema, type AddedToken } from "./addedTokens.ts";

export const TOKENIZER_FILE = "tokenizer.json";
export const TOKENIZER_CONFIG_FILE = "tokenizer_config.json";
const SPECIAL_TOKENS_FILE = "special_tokens_map.json";
const ADDED_TOKENS_FILE = "added_tokens.json";
const MAX_TOKENIZER_BYTES = 200_000_000;
const MAX_CONFIG_BYTES = 20_000_000;

/** What the files beside tokenizer.json say, as transformers reads them. */
export interface TokenizerFiles {
  readonly file: string;
  /** Its sections. */
  readonly json: z.output<typeof tokenizerSchema>;
  /** Contents of special tokens by the names that chat templates know: "bos_token", "pad_token", "image_token", ... */
  readonly specialTokens: Readonly<Record<string, string>>;
  /** Those of tokenizer.json, then those that only the other files have. */
  readonly addedTokens: readonly AddedToken[];
  /** The names of special tokens to put before and after a text, where that is not for tokenizer.json to say. */
  readonly frame: { readonly before: readonly string[]; readonly after: readonly string[] } | null;
}

/** The special tokens that transformers' classes have where the files name none. */
const LLAMA = "LlamaTokenizer";
const CLASS_TOKENS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [LLAMA]: { bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>" },
  Qwen2Tokenizer: { eos_token: "<|endoftext|>", unk_token: "<|endoftext|>", pad_token: "<|endoftext|>" },
  GPT2Tokenizer: { bos_token: "<|endoftext|>", eos_token: "<|endoftext|>", unk_token: "<|endoftext|>" },
  BertTokenizer: {
    unk_token: "[UNK]",
    sep_token: "[SEP]",
    pad_token: "[PAD]",
    cls_token: "[CLS]",
    mask_token: "[MASK]",
  },
};

const special = z.union([z.string(), addedTokenSchema], "expected a token: its text, or an object with it");
const specials = z.array(special);
const names = z.looseObject({
  additional_special_tokens: specials.nullish(),
  extra_special_tokens: z.union([specials, z.record(z.string(), special)]).nullish(),
});
const configSchema = z.looseObject({
  ...names.shape,
  tokenizer_class: z.string().nullish(),
  added_tokens_decoder: z.record(z.string().regex(/^\d+$/, "expected an id"), addedTokenSchema).nullish(),
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
});
const tokenizerSchema = z.looseObject({
  added_tokens: z.array(addedTokenSchema).default([]),
  padding: z.looseObject({ pad_token: z.string().optional() }).nullish(),
  normalizer: z.unknown().optional(),
  pre_tokenizer: z.unknown().optional(),
  model: z.looseObject({}),
  post_processor: z.unknown().optional(),
  decoder: z.unknown().optional(),
});
const addedTokensSchema = z.record(z.string(), z.int().min(0));

type Special = z.output<typeof special>;

/**
 * Reads tokenizer.json and, where they are there, tokenizer_config.json, special_tokens_map.json and added_tokens.json. The last
 * two count only where tokenizer_config.json has no added_tokens_decoder.
 * @throws CumaError naming the file that is missing or wrong.
 */
export function readTokenizerFiles(files: TextFiles): TokenizerFiles {
  const tokenizer = read(files, TOKENIZER_FILE, tokenizerSchema, MAX_TOKENIZER_BYTES);
  const config = readOptional(files, TOKENIZER_CONFIG_FILE, configSchema) ?? {};
  const configFile = files.path(TOKENIZER_CONFIG_FILE);
  checkPrefixSpace(config, tokenizer.pre_tokenizer, configFile);
  const className = config.tokenizer_class?.replace(/Fast$/, "") ?? "";
  const isCurrent = config.added_tokens_decoder != null;
  const map = isCurrent ? {} : (readOptional(files, SPECIAL_TOKENS_FILE, names) ?? {});
  const padToken = tokenizer.padding?.pad_token;
  const merged = {
    ...(padToken === undefined ? {} : { pad_token: padToken }),
    ...(Object.hasOwn(CLASS_TOKENS, className) ? CLASS_TOKENS[className] : {}),
    ...config,
    ...map,
  };
  const named = namedTokens(merged, configFile);
  const others = [config, map].flatMap(({ additional_special_tokens: additional, extra_special_tokens: extra }) => [
    ...(additional ?? []),
    ...(Array.isArray(extra) ? extra : []),
  ]);

  const ofConfig = isCurrent
    ? Object.entries(config.added_tokens_decoder ?? {})
        .sort(([a], [b]) => Number(a) - Number(b))
        .map(([, token]) => token)
    : legacyTokens(files, [...Object.values(named), ...others].map(contentOf));
  return {
    file: files.path(TOKENIZER_FILE),
    json: tokenizer,
    specialTokens: Object.fromEntries(Object.entries(named).map(([name, token]) => [name, contentOf(token)])),
    addedTokens: allAdded(tokenizer.added_tokens, ofConfig, Object.values(named), others),
    frame: className === LLAMA ? llamaFrame(config, named) : null,
  };
}

function read<T>(files: TextFiles, name: string, schema: z.ZodType<T>, maxBytes: number): T {
  const path = files.path(name);
  return checkJson(path, parseJson(path, files.text(name, maxBytes)), schema);
}

function readOptional<T>(files: TextFiles, name: string, schema: z.ZodType<T>): T | null {
  return files.has(name) ? read(files, name, schema, MAX_CONFIG_BYTES) : null;
}

function contentOf(token: Special): string {
  return typeof token === "string" ? token : token.content;
}

/** Every "..._token" that is a token, and the ones that `extra_special_tokens` names. */
function namedTokens(config: z.output<typeof names>, configFile: string): Record<string, Special> {
  const named: Record<string, Special> = {};
  const { extra_special_tokens: extra } = config;
  const all = { ...config, ...(typeof extra === "object" && extra !== null && !Array.isArray(extra) ? extra : {}) };
  for (const [name, value] of Object.entries(all)) {
    if (!name.endsWith("_token") || value === null || typeof value === "boolean") continue;
    Object.assign(named, checkJson(configFile, { [name]: value }, z.record(z.string(), special)));
  }
  return named;
}

/** added_tokens.json: tokens by id, special where another file calls them so. */
function legacyTokens(files: TextFiles, specialContents: readonly string[]): AddedToken[] {
  const added = readOptional(files, ADDED_TOKENS_FILE, addedTokensSchema) ?? {};
  return Object.entries(added)
    .sort(([, a], [, b]) => a - b)
    .map(([content]) => addedTokenSchema.parse({ content, special: specialContents.includes(content) }));
}

/**
 * The tokens of tokenizer.json; then those of the other files that differ from them or are not there; then special tokens
 * that are in none of these, with the flags that their name gives them.
 */
function allAdded(
  ofTokenizer: readonly AddedToken[],
  ofConfig: readonly AddedToken[],
  named: readonly Special[],
  others: readonly Special[],
): AddedToken[] {
  const all = [...ofTokenizer, ...ofConfig];
  const known = new Set(all.map(({ content }) => content));
  for (const token of [...named, ...others]) {
    if (known.has(contentOf(token))) continue;
    known.add(contentOf(token));
    const flags = typeof token === "string" ? { content: token, special: true } : null;
    all.push(flags ? addedTokenSchema.parse(flags) : { ...(token as AddedToken), special: true });
  }
  return all;
}

/** transformers' LlamaTokenizer goes by these two options and not by tokenizer.json's post-processor. */
function llamaFrame(
  { add_bos_token: addBos, add_eos_token: addEos }: z.output<typeof configSchema>,
  { bos_token: bos, eos_token: eos }: Readonly<Record<string, Special>>,
): TokenizerFiles["frame"] {
  return {
    before: (addBos ?? true) && bos !== undefined ? [contentOf(bos)] : [],
    after: (addEos ?? false) && eos !== undefined ? [contentOf(eos)] : [],
  };
}

/** Releases of transformers disagree about which of the two counts. */
function checkPrefixSpace(
  { add_prefix_space: wanted }: z.output<typeof configSchema>,
  step: unknown,
  file: string,
): void {
  if (wanted == null || typeof step !== "object" || step === null || !("add_prefix_space" in step)) return;
  if (step.add_prefix_space === wanted) return;
  throw new CumaError(
    `${file}: "add_prefix_space" is ${wanted}, but ${TOKENIZER_FILE} has ${show(step.add_prefix_space)}; expected the same in both`,
  );
}
