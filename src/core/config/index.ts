export * from "./configFile.ts";
export * from "./run.ts";
export * from "./yaml.ts";
