export * from "./resolve.ts";
export * from "./safetensors.ts";
export * from "./weightIndex.ts";
export * from "./weights.ts";
