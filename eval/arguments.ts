/** What the public functions of evaluation take, as schemas: checked at the door, before any work. */
import { z } from "zod";
import { callback, checkArgument, someText, type FieldsOf } from "../src/core/util/index.ts";
import type { CompareOptions } from "./predictions/compare.ts";
import type { EvaluateOptions } from "./predictions/evaluate.ts";
import type { GenerationOptions } from "./units/generations.ts";
import type { PredictionTable } from "./predictions/predictionTable.ts";
import type { PublishedOptions } from "./benchmarks/published.ts";
import type { ScoreOptions } from "./units/scores.ts";
import type { Truth } from "./predictions/truth.ts";

const names = z.array(someText);
/** Looked at by `checkedDraws`. */
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

const drawing = { by: true, resamples: true, level: true, seed: true } as const;

export const publishedOptionsSchema = z.strictObject(
  evaluateOptionsSchema.pick({ ...drawing, attributes: true }).shape satisfies FieldsOf<PublishedOptions>,
);

/** With the kernel that only generations have. */
const scoreOptionsSchema = z.strictObject({
  ...(evaluateOptionsSchema.pick(drawing).shape satisfies FieldsOf<ScoreOptions>),
  kernel: callback.optional(),
} satisfies FieldsOf<GenerationOptions>);

const textTableSchema = z.custom(
  (value) => value instanceof Object && "rows" in value && "attributes" in value,
  "expected a table, as readGenerations, readJudgements, readPreferences and readRewards make it",
);

const truthSchema = z.custom<Truth>(
  (value) => value instanceof Object && "rows" in value && "source" in value,
  "expected a truth, as readTruth makes it",
);

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

/** Checks what the scores of texts are computed from. @throws CumaError naming the argument. */
export function checkScoring(table: unknown, options: unknown): void {
  checkArgument("table", textTableSchema, table);
  checkArgument("options", scoreOptionsSchema, options);
}

/** @throws CumaError where it is no truth. */
export function checkTruth(truth: unknown): void {
  checkArgument("truth", truthSchema, truth);
}
