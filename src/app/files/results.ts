/** results.json, which `cuma eval` writes into its output folder. */
import { join } from "node:path";
import * as z from "zod";
import { readJson, writeFileAtomic } from "../../core/io/index.ts";
import { checkJson } from "../../core/util/index.ts";
import { hashesSchema, provenanceShape } from "../provenance.ts";
import { encodeFor, MAX_JSON_BYTES } from "./jsonFile.ts";

export const RESULTS_FILE = "results.json";

/** JSON has no NaN: numbers that do not apply are null in the file. */
export const numberOrNaN = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);

const metricResult = z.object({
  value: numberOrNaN,
  low: numberOrNaN,
  high: numberOrNaN,
  n: z.number(),
  excluded: z.record(z.string(), z.number()),
});
const metrics = z.record(z.string(), metricResult);
/** What a task counts. */
const samples = z.object({ examples: z.int() }).catchall(z.int());
const subset = z.object({ samples, metrics });

/** What is in the file, be it of a model or of a published prediction file. Keys that are not known are not looked at. */
const resultsSchema = z.object({
  benchmark: z.string(),
  config: z.looseObject({
    by: z.array(z.string()).readonly().nullish(),
    resamples: z.number().optional(),
    permutations: z.number().optional(),
    cluster: z.enum(["participant", "question"]).nullish(),
    seed: z.number().optional(),
    model: z.looseObject({ adapter: z.string().optional() }).optional(),
  }),
  ...provenanceShape,
  seed: provenanceShape.seed.optional(),
  /** What was evaluated: settings, SHA-256 of base, adapter, encoder and data files. Equal in equal evaluations. */
  identity: z.looseObject({ adapter: z.string().nullish() }).optional(),
  /** SHA-256 of what was read. */
  files: hashesSchema.optional(),
  samples: samples.optional(),
  /** Texts of the questions, by id. */
  questions: z.record(z.string(), z.string()).optional(),
  /** What the data set changed or left out on reading, by reason. */
  notes: z.record(z.string(), z.number()).optional(),
  metrics,
  /** The metrics of groups that training has seen and of those it has not; null where none is held out. */
  subsets: z.object({ seen: subset, heldOut: subset }).nullable().optional(),
  /** Share of questions whose EMD is 0.2 or less. */
  nearQuestions: metricResult.optional(),
  /** EMD by question. */
  perQuestion: metrics.optional(),
});

const evaluationSchema = resultsSchema.required({
  seed: true,
  identity: true,
  samples: true,
  questions: true,
  notes: true,
  subsets: true,
});

const publishedSchema = resultsSchema.required({ files: true, nearQuestions: true, perQuestion: true });

/** Results of either kind. */
export type Results = z.output<typeof resultsSchema>;
/** The content of results.json for a model. */
export type EvaluationResults = z.output<typeof evaluationSchema>;
/** The content of results.json for a published prediction file. */
export type PublishedResults = z.output<typeof publishedSchema>;

/** @throws CumaError naming the file and what is wrong with it. */
export const readResults = (folder: string): Results => read(folder, resultsSchema);

/** @throws CumaError naming the file and what is wrong with it. */
export const readEvaluationResults = (folder: string): EvaluationResults => read(folder, evaluationSchema);

export const writeEvaluationResults = (folder: string, results: EvaluationResults): void =>
  write(folder, evaluationSchema, results);

export const writePublishedResults = (folder: string, results: PublishedResults): void =>
  write(folder, publishedSchema, results);

function read<T>(folder: string, schema: z.ZodType<T>): T {
  const path = join(folder, RESULTS_FILE);
  return checkJson(path, readJson(path, MAX_JSON_BYTES), schema);
}

function write<T>(folder: string, schema: z.ZodType<T>, results: T): void {
  const path = join(folder, RESULTS_FILE);
  writeFileAtomic(
    path,
    encodeFor(path, results, (name, json) => checkJson(name, json, schema)),
  );
}
