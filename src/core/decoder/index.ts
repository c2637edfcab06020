export * from "./adapter.ts";
export * from "./batch.ts";
export * from "./parseConfig.ts";
export * from "./forward.ts";
export * from "./layer.ts";
export * from "./layerGraph.ts";
export * from "./ropeCache.ts";
export * from "./decoderConfig.ts";
