export * from "./distributions.ts";
export * from "./errors.ts";
export * from "./float16.ts";
export * from "./issue.ts";
export * from "./mersenneTwister.ts";
export * from "./rng.ts";
export * from "./show.ts";
export * from "./text.ts";
