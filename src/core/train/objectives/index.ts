import { sft } from "./sft.ts";

/** The objectives there are, by the name a run file gives. */
export const objectives = { sft };

export type ObjectiveName = keyof typeof objectives;
export const objectiveNames = Object.keys(objectives) as [ObjectiveName, ...ObjectiveName[]];

export * from "./answerTree.ts";
export * from "./sft.ts";
