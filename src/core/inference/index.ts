export * from "./likelihood.ts";
