import type { AdapterMethod } from "../src/core/decoder/index.ts";
import { cuma } from "./cuma.ts";
import { full } from "./full.ts";
import { lora } from "./lora.ts";

/** The methods there are, by the name a run file gives. */
export const adapters = { cuma, lora, full } satisfies Record<string, AdapterMethod>;

export type AdapterName = keyof typeof adapters;
