export * from "./adapter.ts";
export * from "./batch.ts";
export * from "./config.ts";
export * from "./forward.ts";
export * from "./layer.ts";
export * from "./layerGraph.ts";
export * from "./rotary.ts";
export * from "./types.ts";
