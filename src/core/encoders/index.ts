export * from "./profileSpace.ts";
export * from "./projection.ts";
export type { TextEncoder } from "./types.ts";
export { baseEncoder } from "./base.ts";
export { cachedEncoder, embeddingsFolder } from "./cache.ts";
export { loadSentenceTransformer } from "./sentenceTransformer.ts";
export { poolings, type Pooling } from "./pooling.ts";
export { vectorsEncoder } from "./vectors.ts";
