/** What the public functions take, as schemas: checked at the door, before any work. */
import { z } from "zod";
import { holdOutRuleSchema } from "../../datasets/heldOut.ts";
import type { AskHooks } from "../../eval/index.ts";
import { MAX_OPTIONS, type Choice } from "../core/text/choice.ts";
import { callback, MAX_THREADS, someText, type FieldsOf } from "../core/util/index.ts";
import type { EvaluationConfig } from "./eval.ts";
import type { ModelOptions } from "./model/languageModel.ts";
import type { LogitsRequest } from "./model/loadCuma.ts";
import { datasetNames, devices, engineNames, reportFormats } from "./tableNames.ts";
import type { PublishedConfig } from "./published.ts";
import type { ReportOptions } from "./report.ts";
import type { ScoringConfig } from "./score.ts";
import type { RouteConfig, RouteHooks } from "./route.ts";
import type { RunHooks } from "./train.ts";

const texts = z.array(someText);
const seed = z.int().nonnegative();
const draws = z.int().nonnegative();
const count = z.int().positive();
const names = texts.min(1);

export const outModeSchema = z.enum(["new", "overwrite", "resume"]);

export const profileSchema = z.record(z.string(), someText);

/** Examples of data sets are choices too: they may have more fields. */
export const choiceSchema = z.object({
  profile: profileSchema,
  question: someText,
  options: texts
    .min(2, `expected 2 to ${MAX_OPTIONS} options`)
    .max(MAX_OPTIONS, `expected 2 to ${MAX_OPTIONS} options`)
    .refine((options) => new Set(options).size === options.length, "expected different options"),
} satisfies FieldsOf<Choice>);

export const textSchema = z.object({ profile: profileSchema, text: someText });

const vector = z
  .custom<ArrayLike<number>>(
    (value) =>
      isList(value) && Array.from(value).every((x) => typeof x === "number" && Number.isFinite(Math.fround(x))),
    "expected finite numbers of float32",
  )
  .transform((value) => Float32Array.from(value));

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

export const logitsSchema = z.strictObject({
  inputIds: z.array(z.array(z.number())),
  profiles: z.array(profileSchema).optional(),
  profileVectors: z.array(vector).optional(),
  positions: z.enum(["last", "all"]).optional(),
} satisfies FieldsOf<LogitsRequest>);

export const modelOptionsSchema = z.strictObject({
  base: someText,
  adapter: someText.optional(),
  persona: z.boolean().optional(),
  attributes: texts.nullish(),
  template: z.record(z.string(), z.unknown()).optional(),
  encoder: someText.optional(),
  allowOtherBase: z.boolean().optional(),
  revision: someText.optional(),
  onProgress: callback.optional(),
  engine: z.enum(engineNames).optional(),
  device: z.enum(devices).optional(),
  threads: count.max(MAX_THREADS).nullish(),
} satisfies FieldsOf<ModelOptions>);

const model = modelOptionsSchema;
const signal = z.instanceof(AbortSignal, { error: "expected an AbortSignal" });

export const evaluationSchema = z.strictObject({
  benchmark: z.enum(datasetNames),
  dir: someText,
  split: someText,
  limit: count.nullable(),
  seed,
  by: names.nullable(),
  holdOut: z.array(holdOutRuleSchema).nullable(),
  cluster: z.enum(["participant", "question"]).nullable(),
  resamples: draws,
  permutations: draws,
  out: someText,
  model,
} satisfies FieldsOf<EvaluationConfig>);

export const askHooksSchema = z.looseObject({
  signal,
  onStart: callback,
  onProgress: callback,
} satisfies FieldsOf<AskHooks>);

export const publishedSchema = z.strictObject({
  benchmark: z.enum(datasetNames),
  predictions: someText,
  dir: someText,
  split: someText,
  seed,
  by: names.nullable(),
  resamples: draws,
  out: someText.nullable(),
  overwrite: z.boolean(),
} satisfies FieldsOf<PublishedConfig>);

export const routeSchema = z.strictObject({
  model: model.required({ adapter: true }),
  profiles: someText,
  texts: someText.nullable(),
  questions: z
    .strictObject({ benchmark: z.enum(datasetNames), dir: someText, split: someText, limit: count })
    .nullable(),
  by: names.nullable(),
  reference: someText.nullable(),
  answers: someText.nullable(),
  permutations: draws,
  seed,
  out: someText.nullable(),
  overwrite: z.boolean(),
} satisfies FieldsOf<RouteConfig>);

export const routeHooksSchema = z.looseObject({
  onProgress: callback,
  onRouted: callback,
} satisfies FieldsOf<RouteHooks>);

export const scoringSchema = z.strictObject({
  predictions: someText,
  by: z.array(names),
  attributes: names.nullable(),
  ignore: texts,
  truth: someText.nullable(),
  against: someText.nullable(),
  cluster: z.enum(["participant", "question"]).nullable(),
  resamples: draws,
  permutations: draws,
  seed,
  out: someText.nullable(),
  overwrite: z.boolean(),
} satisfies FieldsOf<ScoringConfig>);

export const reportSchema = z.strictObject({
  results: texts,
  out: someText.nullable(),
  overwrite: z.boolean().optional(),
  format: z.enum(reportFormats).optional(),
  title: z.string().optional(),
  by: names.optional(),
  resamples: draws.optional(),
  seed: seed.optional(),
  routing: texts.optional(),
  onProgress: callback.optional(),
} satisfies FieldsOf<ReportOptions>);

export const runHooksSchema = z.looseObject({
  signal,
  onStart: callback,
  onStep: callback,
  onWarning: callback,
} satisfies FieldsOf<RunHooks>);
