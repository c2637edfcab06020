import { readCommon, type DecoderFamily } from "./common.ts";
import { QWEN_DEFAULTS, qwenWindow } from "./qwen.ts";

/** Qwen2 and Qwen2.5: Llama with biases on q, k and v. */
export const qwen2: DecoderFamily = {
  parse: (json) => {
    const { config, common } = readCommon(json, QWEN_DEFAULTS, {
      neutral: { attention_bias: [true, false], mlp_bias: [false] },
    });
    return { ...common, bias: { qkv: true, o: false, mlp: false }, slidingWindow: qwenWindow(config) };
  },
};
