import { z } from "zod";
import { CumaError } from "../../util/index.ts";
import { commonConfig, commonSchema, type DecoderFamily } from "./common.ts";

const schema = commonSchema.extend({
  /** 1 where a layer has the rotary embedding, 0 where it has none. */
  no_rope_layers: z.array(z.int().min(0).max(1)).nullish(),
  no_rope_layer_interval: z.int().positive().default(4),
});

/** SmolLM3: Llama in which every fourth layer has no rotary embedding. */
export const smollm3: DecoderFamily = {
  parse: (json) => {
    const config = schema.parse(json);
    const layers = config.num_hidden_layers;
    const flags =
      config.no_rope_layers ??
      Array.from({ length: layers }, (_, i) => Number((i + 1) % config.no_rope_layer_interval !== 0));
    if (flags.length !== layers) {
      throw new CumaError(`expected no_rope_layers to have ${layers} entries, found ${flags.length}`);
    }
    if (config.use_sliding_window === true && config.sliding_window != null) {
      throw new CumaError("use_sliding_window is not supported for smollm3; expected false");
    }
    return {
      ...commonConfig(config, 2_000_000),
      noRopeLayers: new Set(flags.flatMap((flag, i) => (flag === 0 ? [i] : []))),
    };
  },
};
