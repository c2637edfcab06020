import { commonConfig, commonSchema, type DecoderFamily } from "./common.ts";
import { qwenWindow } from "./qwenWindow.ts";

/** Qwen3 (dense): Llama with RMS-normalised query and key heads, whose width is a setting of its own. */
export const qwen3: DecoderFamily = {
  parse: (json) => {
    const config = commonSchema.parse(json);
    return {
      ...commonConfig(config, 10_000),
      headDim: config.head_dim ?? 128,
      bias: { qkv: config.attention_bias, o: config.attention_bias, mlp: false },
      qkNorm: true,
      slidingWindow: qwenWindow(json, config),
    };
  },
};
