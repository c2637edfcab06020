import { commonConfig, commonSchema, type DecoderFamily } from "./common.ts";
import { qwenWindow } from "./qwenWindow.ts";

/** Qwen2 and Qwen2.5: Llama with biases on q, k and v. */
export const qwen2: DecoderFamily = {
  parse: (json) => {
    const config = commonSchema.parse(json);
    return {
      ...commonConfig(config, 10_000),
      bias: { qkv: true, o: false, mlp: false },
      slidingWindow: qwenWindow(json, config),
    };
  },
};
