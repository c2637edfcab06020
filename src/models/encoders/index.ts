export { baseEncoder } from "./base.ts";
export { cachedEncoder, embeddingsFolder } from "./cache.ts";
export { poolings, type Pooling } from "./pooling.ts";
export { loadSentenceTransformer } from "./sentenceTransformer.ts";
export type { TextEncoder } from "./types.ts";
export { vectorsEncoder } from "./vectors.ts";
