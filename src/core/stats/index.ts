export * from "./bootstrap.ts";
export * from "./distributions.ts";
export * from "./permutationP.ts";
export * from "./significance.ts";
