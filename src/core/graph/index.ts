export * from "./dims.ts";
export * from "./tensor.ts";
export * from "./emitter.ts";
export * from "./graph.ts";
export * from "./program.ts";
