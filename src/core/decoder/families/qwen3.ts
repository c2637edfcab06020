import { readCommon, type DecoderFamily } from "./common.ts";
import { QWEN_DEFAULTS, qwenWindow } from "./qwen.ts";

/** Qwen3 (dense): Llama with RMS-normalised query and key heads, whose width is a setting of its own. */
export const qwen3: DecoderFamily = {
  parse: (json) => {
    const { config, common } = readCommon(json, QWEN_DEFAULTS, { neutral: { mlp_bias: [false] } });
    return {
      ...common,
      headDim: config.head_dim ?? 128,
      bias: { qkv: config.attention_bias, o: config.attention_bias, mlp: false },
      qkNorm: true,
      slidingWindow: qwenWindow(config),
    };
  },
};
