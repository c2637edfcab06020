/**
 * The names in the tables, apart from what they name: whoever only offers them loads no method, data set or engine. Each
 * list is total by type: where it lacks a name of its table, or has one more, it does not compile.
 */
import type { AdapterName } from "../../adapters/table.ts";
import type { DatasetName } from "../../datasets/index.ts";
import type { ReportFormat } from "./report.ts";
import type { TextKind } from "./scoreTexts.ts";

export const adapterNames = listOf<AdapterName>({ cuma: true, lora: true, full: true });

/** The first one is the default of run files. */
export const datasetNames = listOf<DatasetName>({
  wvb: true,
  globalopinionqa: true,
  planted: true,
  "wvs-cardata": true,
});

export { devices, engineNames } from "../core/engine/table.ts";

export const textKinds = listOf<TextKind>({ generations: true, judgements: true, preferences: true, rewards: true });

export const reportFormats = listOf<ReportFormat>({ html: true, json: true, csv: true, md: true, latex: true });

function listOf<Name extends string>(names: Readonly<Record<Name, true>>): [Name, ...Name[]] {
  return Object.keys(names) as [Name, ...Name[]];
}
