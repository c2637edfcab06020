import { loadCarDataWvs } from "./carDataWvs.ts";
import { loadGlobalOpinionQA } from "./globalOpinionQA.ts";
import { loadPlanted } from "./planted/write/writePlanted.ts";
import type { ExampleSource, LoadOptions } from "./records.ts";
import { loadWorldValuesBench } from "./worldValuesBench/load.ts";

/** A data set that can be trained and evaluated on. */
export interface DatasetSource {
  readonly name: string;
  /** @throws CumaError naming the file, line and field that is not as the data set describes it. */
  load(dir: string, split: string, options: LoadOptions): Promise<ExampleSource>;
}

/** The data sets, by the name that run files use. */
export const datasets = {
  wvb: { name: "WorldValuesBench", load: loadWorldValuesBench },
  globalopinionqa: { name: "GlobalOpinionQA", load: loadGlobalOpinionQA },
  planted: { name: "planted", load: loadPlanted },
  "wvs-cardata": { name: "WVS (carData)", load: loadCarDataWvs },
} satisfies Record<string, DatasetSource>;

export type DatasetName = keyof typeof datasets;

export { loadCarDataWvs } from "./carDataWvs.ts";
export { loadGlobalOpinionQA } from "./globalOpinionQA.ts";
export * from "./heldOut.ts";
export * from "./planted/write/writePlanted.ts";
export * from "./records.ts";
export * from "./worldValuesBench/load.ts";
export * from "./worldValuesBench/convertWvs.ts";
