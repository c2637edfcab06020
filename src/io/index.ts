export * from "./files.ts";
export * from "./safetensors.ts";
