export * from "./chatTemplate.ts";
export * from "./choice.ts";
export * from "./profile.ts";
export * from "./prompt.ts";
export * from "./templateSettings.ts";
export type { TextFiles } from "./textFiles.ts";
export * from "./tokenizer.ts";
