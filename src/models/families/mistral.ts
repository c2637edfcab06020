import { commonConfig, commonSchema, type DecoderFamily } from "./common.ts";

/** Mistral 7B and relatives: Llama with a sliding window (v0.1) and no biases. */
export const mistral: DecoderFamily = {
  parse: (json) => {
    const config = commonSchema.parse(json);
    return { ...commonConfig(config, 10_000), slidingWindow: config.sliding_window ?? null };
  },
};
