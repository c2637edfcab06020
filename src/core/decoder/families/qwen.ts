import { anyWindowed, type CommonConfig, type FamilyDefaults } from "./common.ts";

/** Those of Qwen2 and of Qwen3. */
export const QWEN_DEFAULTS: FamilyDefaults = {
  vocab_size: 151_936,
  hidden_size: 4096,
  intermediate_size: 22_016,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  max_position_embeddings: 32_768,
  tie_word_embeddings: false,
  rope_theta: 10_000,
  sliding_window: 4096,
};

/** Qwen uses its sliding window only when told to, and then in the layers from `max_window_layers` on. */
export function qwenWindow(config: CommonConfig): number | null {
  const used = config.use_sliding_window === true ? config : { ...config, sliding_window: null };
  const windowed = anyWindowed(used) ?? config.num_hidden_layers > config.max_window_layers;
  return windowed ? (used.sliding_window ?? null) : null;
}
