import { sft } from "./sft.ts";

/** The objectives there are, by the name a run file gives. */
export const objectives = { sft };

export type ObjectiveName = keyof typeof objectives;

export * from "./answerTree.ts";
export * from "./sft.ts";
