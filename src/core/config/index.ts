export * from "./file.ts";
export * from "./run.ts";
export * from "./yaml.ts";
