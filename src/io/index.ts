export * from "./csv.ts";
export * from "./files.ts";
export * from "./home.ts";
export * from "./lock.ts";
export * from "./outFolder.ts";
export * from "./safetensors.ts";
