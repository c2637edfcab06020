import { z } from "zod";
import { CumaError } from "../../util/index.ts";
import type { CommonConfig } from "./common.ts";

const windowSchema = z.looseObject({
  max_window_layers: z.int().nonnegative().default(28),
  layer_types: z.array(z.string()).nullish(),
});

/** Qwen uses its sliding window only when told to, and then in its upper layers; a mixture of both is not supported. */
export function qwenWindow(json: unknown, config: CommonConfig): number | null {
  if (config.use_sliding_window !== true || config.sliding_window == null) return null;
  const { max_window_layers: full, layer_types: types } = windowSchema.parse(json);
  const windowed = types
    ? types.filter((type) => type === "sliding_attention").length
    : Math.max(0, config.num_hidden_layers - full);
  if (windowed === 0) return null;
  if (windowed < config.num_hidden_layers) {
    throw new CumaError(
      `use_sliding_window with ${windowed} of ${config.num_hidden_layers} layers windowed is not supported; expected all layers or none`,
    );
  }
  return config.sliding_window;
}
