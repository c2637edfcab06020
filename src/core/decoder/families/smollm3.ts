import * as z from "zod";
import { CumaError } from "../../util/index.ts";
import { anyWindowed, readCommon, type DecoderFamily } from "./common.ts";

const ropeSchema = z.looseObject({
  /** 1 where a layer has the rotary embedding, 0 where it has none. */
  no_rope_layers: z.array(z.int().min(0).max(1)).nullish(),
  no_rope_layer_interval: z.int().positive().default(4),
});

/** SmolLM3: Llama in which every fourth layer has no rotary embedding. */
export const smollm3: DecoderFamily = {
  parse: (json) => {
    const { config, common } = readCommon(
      json,
      {
        vocab_size: 128_256,
        hidden_size: 2048,
        intermediate_size: 11_008,
        num_hidden_layers: 36,
        num_attention_heads: 16,
        num_key_value_heads: 4,
        max_position_embeddings: 32_768,
        tie_word_embeddings: true,
        rope_theta: 2_000_000,
        sliding_window: null,
      },
      { read: Object.keys(ropeSchema.shape) },
    );
    const { no_rope_layers: given, no_rope_layer_interval: interval } = ropeSchema.parse(json);
    const layers = config.num_hidden_layers;
    const flags = given ?? Array.from({ length: layers }, (_, i) => Number((i + 1) % interval !== 0));
    if (flags.length < layers) {
      throw new CumaError(`expected no_rope_layers to have ${layers} entries, found ${flags.length}`);
    }
    const used = config.use_sliding_window === true ? config : { ...config, sliding_window: null };
    return {
      ...common,
      noRopeLayers: new Set(flags.slice(0, layers).flatMap((flag, i) => (flag === 0 ? [i] : []))),
      slidingWindow: anyWindowed(used) === false ? null : (used.sliding_window ?? null),
    };
  },
};
