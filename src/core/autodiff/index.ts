export * from "./grad.ts";
export * from "./residuals.ts";
