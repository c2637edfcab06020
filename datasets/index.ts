import { choicePrompt } from "../src/core/text/choice.ts";
import { loadCarDataWvs } from "./carDataWvs.ts";
import type { DatasetOf, ExampleKind } from "./dataset.ts";
import { loadGlobalOpinionQA } from "./globalOpinionQA.ts";
import { loadPlanted } from "./planted/write/writePlanted.ts";
import { loadWorldValuesBench } from "./worldValuesBench/loadWorldValuesBench.ts";

/** The data sets, by the name that run files use: what their examples are, where these come from, and how they are asked. */
export const datasets = {
  wvb: { kind: "choices", name: "WorldValuesBench", load: loadWorldValuesBench, prompt: choicePrompt },
  globalopinionqa: { kind: "choices", name: "GlobalOpinionQA", load: loadGlobalOpinionQA, prompt: choicePrompt },
  planted: { kind: "choices", name: "planted", load: loadPlanted, prompt: choicePrompt },
  "wvs-cardata": { kind: "choices", name: "WVS (carData)", load: loadCarDataWvs, prompt: choicePrompt },
} satisfies Record<string, { [K in ExampleKind]: DatasetOf<K> }[ExampleKind]>;

export type DatasetName = keyof typeof datasets;

export { loadCarDataWvs } from "./carDataWvs.ts";
export type { ChoiceExample } from "./choiceExample.ts";
export type { Dataset, DatasetOf, ExampleKind, ExampleKinds } from "./dataset.ts";
export { loadGlobalOpinionQA } from "./globalOpinionQA.ts";
export * from "./heldOut.ts";
export * from "./planted/write/writePlanted.ts";
export * from "./source.ts";
export * from "./worldValuesBench/loadWorldValuesBench.ts";
export * from "./worldValuesBench/convertWvs.ts";
