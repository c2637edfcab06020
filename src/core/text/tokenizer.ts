import { CumaError, excerpt, largest, show } from "../util/index.ts";
import type { TextFiles } from "./textFiles.ts";
import { addedIds, Splitter } from "./tokenizer/addedTokens.ts";
import { readDecoders } from "./tokenizer/decoders.ts";
import { readTokenizerFiles } from "./tokenizer/files.ts";
import { readModel } from "./tokenizer/models.ts";
import { readNormalizers } from "./tokenizer/normalizers.ts";
import { readPostProcessors } from "./tokenizer/postProcessors.ts";
import { readPreTokenizers } from "./tokenizer/preTokenizers.ts";

export { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from "./tokenizer/files.ts";

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
  /**
   * Special tokens that a text spells out become those tokens, as in transformers.
   * @param addSpecialTokens Whether what the tokenizer puts around every text, such as [CLS], is put around this one.
   */
  encode(text: string, options: { readonly addSpecialTokens: boolean }): number[];
  /** Special tokens are kept. */
  decode(ids: readonly number[]): string;
}

/**
 * Reads tokenizer.json and the files beside it that name special tokens. What is read gives the ids that the `tokenizers`
 * library gives; every step and option that would not is an error. The sections "truncation" and "padding" do
 * nothing, as in transformers.
 * @throws CumaError naming the file that is missing or wrong, and the step and option that is not supported.
 */
export function makeTokenizer(files: TextFiles): Tokenizer {
  const { file, json, specialTokens, addedTokens, frame: named } = readTokenizerFiles(files);
  const part = (name: string) => ({ file, json, path: [name] });
  const normalize = readNormalizers(json.normalizer, part("normalizer"));
  const preTokenize = readPreTokenizers(json.pre_tokenizer, part("pre_tokenizer"));
  const model = readModel(json.model, part("model"));
  const frame = readPostProcessors(json.post_processor, part("post_processor"));

  const added = addedIds(addedTokens, model.vocabulary);
  const tokens = new Map<number, string>();
  for (const [token, id] of model.vocabulary) tokens.set(id, token);
  for (const [token, { id }] of added) tokens.set(id, token);
  const idOf = (token: string): number => added.get(token)?.id ?? model.vocabulary.get(token)!;
  const { before, after } = named ? { before: named.before.map(idOf), after: named.after.map(idOf) } : frame;

  const all = [...added.values()];
  const raw = new Splitter(
    all.filter(({ token }) => !token.normalized),
    (text) => text,
  );
  const normalized = new Splitter(
    all.filter(({ token }) => token.normalized),
    normalize,
  );
  const encode = (text: string): number[] =>
    raw.split(text).flatMap((piece) => {
      if (typeof piece === "number") return piece;
      return normalized.split(normalize(piece.text)).flatMap((inner) => {
        if (typeof inner === "number") return inner;
        const first = piece.start === 0 && inner.start === 0;
        return preTokenize({ text: inner.text, first }).flatMap((word) => model.tokenise(word));
      });
    });

  let decoder: ReturnType<typeof readDecoders> | undefined;
  const { bos_token: bosToken = null, eos_token: eosToken = null, pad_token: padToken } = specialTokens;
  return {
    file,
    vocabSize: Math.max(0, largest(tokens.keys()) + 1),
    bosToken,
    eosToken,
    padId: padToken === undefined ? null : idOf(padToken),
    specialTokens,
    encode: (text, { addSpecialTokens }) => (addSpecialTokens ? [...before, ...encode(text), ...after] : encode(text)),
    decode(ids) {
      // Not before it is asked for: no result depends on it.
      decoder ??= readDecoders(json.decoder, part("decoder"));
      return decoder(ids.flatMap((id) => tokens.get(id) ?? []));
    },
  };
}

/**
 * The tokenizer for a model whose embedding may have fewer rows than the tokenizer has tokens: what no text holds does no
 * harm, such as a padding token that was added later.
 * @param configFile Where the model's vocab_size stands, for messages.
 * @returns One whose `encode` throws a CumaError that names the token where a text has one without a row.
 */
export function withinVocabulary(tokenizer: Tokenizer, modelVocabSize: number, configFile: string): Tokenizer {
  if (tokenizer.vocabSize <= modelVocabSize) return tokenizer;
  return {
    ...tokenizer,
    encode(text, options) {
      const ids = tokenizer.encode(text, options);
      const beyond = ids.find((id) => id >= modelVocabSize);
      if (beyond === undefined) return ids;
      throw new CumaError(
        `${tokenizer.file}: the token ${show(tokenizer.decode([beyond]))} has the id ${beyond}, but ${configFile} gives the model a vocab_size of ${modelVocabSize}; it is in the text "${excerpt(text)}"`,
      );
    },
  };
}
