export * from "./encodeSafetensors.ts";
export * from "./modelFiles.ts";
export * from "./resolve.ts";
export * from "./safetensors.ts";
export * from "./weightFiles.ts";
export * from "./weightIndex.ts";
export * from "./weights.ts";
