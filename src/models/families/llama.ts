import { commonConfig, commonSchema, type DecoderFamily } from "./common.ts";

/** Llama 2 and 3.x, SmolLM 1 and 2, and others that share the architecture. */
export const llama: DecoderFamily = {
  parse: (json) => commonConfig(commonSchema.parse(json), 10_000),
};
