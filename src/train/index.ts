export * from "./adamw.ts";
export * from "./makePlan.ts";
export * from "./parameters.ts";
export * from "./plan.ts";
