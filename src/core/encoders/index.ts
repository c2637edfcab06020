export * from "./profileSpace.ts";
export * from "./projection.ts";
export type { TextEncoder } from "./textEncoder.ts";
export { baseEncoder } from "./baseEncoder.ts";
export { cachedEncoder, embeddingsFolder } from "./cachedEncoder.ts";
export { loadSentenceTransformer } from "./sentenceTransformer.ts";
export { poolings, type Pooling } from "./pooling.ts";
export { vectorsEncoder } from "./vectors.ts";
