export * from "./dims.ts";
export * from "./graph.ts";
export * from "./op.ts";
export * from "./tensor.ts";
export * from "./program.ts";
