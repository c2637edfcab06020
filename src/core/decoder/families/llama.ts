import { anyWindowed, readCommon, type DecoderFamily } from "./common.ts";

/** Llama 2 and 3.x, SmolLM 1 and 2, and others that share the architecture. */
export const llama: DecoderFamily = {
  parse: (json) => {
    const { config, common } = readCommon(json, {
      vocab_size: 32_000,
      hidden_size: 4096,
      intermediate_size: 11_008,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: null,
      max_position_embeddings: 2048,
      tie_word_embeddings: false,
      rope_theta: 10_000,
      sliding_window: null,
    });
    // transformers has no window in this family; other software heeds one that a file names.
    const unused = anyWindowed(config) === false || config.use_sliding_window === false;
    return { ...common, slidingWindow: unused ? null : (config.sliding_window ?? null) };
  },
};
