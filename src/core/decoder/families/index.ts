import type { DecoderFamily } from "./common.ts";
import { llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";
import { smollm3 } from "./smollm3.ts";

/** Supported decoder families by the `model_type` of their config.json. */
export const families = { llama, mistral, qwen2, qwen3, smollm3 } satisfies Record<string, DecoderFamily>;

export type ModelType = keyof typeof families;
