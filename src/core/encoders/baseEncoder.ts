import { createHash } from "node:crypto";
import { CumaError, show } from "../util/index.ts";
import { checkLength } from "../decoder/batch.ts";
import type { Decoder } from "../decoder/forward.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { decoderStates, encodeEach } from "./pooling.ts";
import type { TextEncoder } from "./textEncoder.ts";

/**
 * The base model as an encoder: the mean, over the tokens of the text and without special tokens, of the hidden states
 * after the final norm [H].
 * @param decoder Without an adapter; it is disposed of with the encoder.
 * @param baseHash SHA-256 of the base model's files.
 */
export function baseEncoder(decoder: Decoder, tokenizer: Tokenizer, baseHash: string): TextEncoder {
  const states = decoderStates(decoder);
  return {
    name: "base",
    width: decoder.config.hiddenSize,
    hash: createHash("sha256").update(`mean of final hidden states\0${baseHash}`).digest("hex"),
    async encode(texts) {
      const tokenIds = texts.map((text) => {
        const ids = tokenizer.encode(text, { addSpecialTokens: false });
        if (ids.length === 0) throw new CumaError(`encoder "base": expected a text, found an empty one`);
        checkLength(decoder.config, ids.length, show(text));
        return ids;
      });
      return encodeEach(tokenIds, ["mean"], states);
    },
    dispose: () => decoder.dispose(),
  };
}
