export * from "./file.ts";
export * from "./run.ts";
