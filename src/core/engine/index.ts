export * from "./table.ts";
export type { Engine, Executable } from "./engine.ts";
