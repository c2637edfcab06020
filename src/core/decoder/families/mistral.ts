import { anyWindowed, readCommon, type DecoderFamily, type FamilyDefaults } from "./common.ts";

const DEFAULTS: FamilyDefaults = {
  vocab_size: 32_000,
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  max_position_embeddings: 131_072,
  tie_word_embeddings: false,
  rope_theta: 10_000,
  sliding_window: 4096,
};

/** Mistral 7B and relatives: Llama with a sliding window (v0.1) and no biases. */
export const mistral: DecoderFamily = {
  parse: (json) => {
    const { config, common } = readCommon(json, DEFAULTS, { neutral: { attention_bias: [false], mlp_bias: [false] } });
    anyWindowed(config);
    // transformers looks neither at layer_types here nor at use_sliding_window.
    return { ...common, slidingWindow: config.sliding_window ?? null };
  },
};
