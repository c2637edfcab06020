/** What the public functions of evaluation take, as schemas: checked at the door, before any work. */
import { z } from "zod";
import { checkArgument, someText, type FieldsOf } from "../src/util/index.ts";
import type { CompareOptions } from "./compare.ts";
import type { EvaluateOptions } from "./evaluate.ts";
import type { PredictionTable } from "./predictions.ts";

const names = z.array(someText);
/** Looked at by `checkedNumbers`. */
const numberElsewhere = z.unknown().optional();

export const evaluateOptionsSchema = z.strictObject({
  by: names.optional(),
  attributes: names.optional(),
  metrics: names.optional(),
  resamples: numberElsewhere,
  level: numberElsewhere,
  seed: z.int().nonnegative().optional(),
  cluster: z.enum(["participant", "question"]).optional(),
  permutations: numberElsewhere,
} satisfies FieldsOf<EvaluateOptions>);

export const compareOptionsSchema = z.strictObject({
  ...evaluateOptionsSchema.omit({ permutations: true }).shape,
  intersect: z.boolean().optional(),
  sources: z.tuple([z.string(), z.string()]).optional(),
} satisfies FieldsOf<CompareOptions>);

const tableSchema = z.custom<PredictionTable>(
  (value) => value instanceof Object && "exampleIds" in value && "probabilities" in value && "row" in value,
  "expected a predictions table, as PredictionTableBuilder and readPredictions make it",
);

/** @throws CumaError where it is no predictions table; what the table holds is not looked at again. */
export function checkTable(name: string, value: unknown): void {
  checkArgument(name, tableSchema, value);
}

/** @throws CumaError where it is not the path of a file. */
export function checkPath(path: unknown): void {
  checkArgument("path", someText, path);
}
