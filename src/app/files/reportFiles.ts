import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { PREDICTIONS_FILE, readPredictions, type MetricResult, type PredictionTable } from "../../../eval/index.ts";
import { trainingMeasures, type Subset, type Topology, type TrainingLog } from "../../../eval/report/index.ts";
import { checkJson, fileError, readJson, readText } from "../../core/io/index.ts";
import { CumaError, excerpt, messageOf } from "../../core/util/index.ts";
import { RESULTS_FILE } from "../evaluationFolder.ts";
import { hashAdapter } from "../model/adapterFiles.ts";

const MAX_JSON_BYTES = 256_000_000;
/** Points of a training curve: few enough that the noise of single batches does not hide its course. */
const CURVE_POINTS = 80;

/** JSON has no NaN: results write null. */
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);
const metricResults = z.record(
  z.string(),
  z.object({
    value: number,
    low: number,
    high: number,
    n: z.number(),
    excluded: z.record(z.string(), z.number()).default({}),
  }),
);
const subset = z.object({ metrics: metricResults });
const facts = z.record(z.string(), z.unknown());

/** results.json of `cuma eval`, of this version or another: what is not known is not looked at. */
const resultsSchema = z.object({
  benchmark: z.string().optional(),
  config: z
    .object({
      by: z.array(z.string()).nullish(),
      resamples: z.number().optional(),
      permutations: z.number().optional(),
      cluster: z.enum(["participant", "question"]).nullish(),
      seed: z.number().optional(),
      model: z.looseObject({ adapter: z.string().optional() }).optional(),
    })
    .loose()
    .default({}),
  seed: z.number().optional(),
  versions: facts.default({}),
  gitHash: z.string().nullish(),
  identity: z.looseObject({ adapter: z.string().nullish() }).default({}),
  files: facts.default({}),
  samples: facts.default({}),
  questions: z.record(z.string(), z.string()).default({}),
  metrics: metricResults,
  subsets: z.object({ seen: subset.nullish(), heldOut: subset.nullish() }).nullish(),
});

export type StoredResults = z.output<typeof resultsSchema>;

/** What an evaluation has left, or a predictions file alone. */
export interface StoredEvaluation {
  readonly results: StoredResults | null;
  /** The predictions file; null where a published file was scored, which leaves results only. */
  readonly predictions: string | null;
  readonly table: PredictionTable | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** @throws CumaError naming the file and what is wrong with it. */
export async function readEvaluation(path: string): Promise<StoredEvaluation> {
  if (!isFolder(path)) return { results: null, predictions: path, ...(await readPredictions(path)) };
  const resultsFile = join(path, RESULTS_FILE);
  const predictions = join(path, PREDICTIONS_FILE);
  if (!existsSync(resultsFile)) {
    throw new CumaError(`${path}: expected ${RESULTS_FILE}, as "cuma eval --out" writes it, or a predictions file`);
  }
  const results = checkJson(resultsFile, readJson(resultsFile, MAX_JSON_BYTES), resultsSchema);
  if (!existsSync(predictions)) return { results, predictions: null, table: null, metadata: {} };
  return { results, predictions, ...(await readPredictions(predictions)) };
}

/** The files that an evaluation may be read from: its own, or those of its folder. */
export function evaluationFiles(path: string): string[] {
  return isFolder(path) ? [RESULTS_FILE, PREDICTIONS_FILE].map((name) => join(path, name)) : [path];
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw fileError(path, "cannot be read", error);
  }
}

/** Metrics of the groups that training has seen, and of those held out from it, where results have them. */
export function subsetsOf({ subsets }: StoredResults): Subset[] {
  return [
    { name: "seen", found: subsets?.seen },
    { name: "held out", found: subsets?.heldOut },
  ].flatMap(({ name, found }) =>
    found ? [{ name, metrics: found.metrics satisfies Record<string, MetricResult> }] : [],
  );
}

const logLine = z.object({
  step: z.number(),
  ...Object.fromEntries(trainingMeasures.map((measure) => [measure, z.number().nullish()])),
  message: z.string().optional(),
} as { step: z.ZodNumber; message: z.ZodOptional<z.ZodString> } & Record<
  (typeof trainingMeasures)[number],
  z.ZodOptional<z.ZodNullable<z.ZodNumber>>
>);

/**
 * The training log of an evaluated adapter. Results may be anybody's and name any folder: a log is read only beside the
 * adapter that they have the hash of.
 * @returns The log, or why there is none to show.
 * @throws CumaError naming file and line of a log that is not one.
 */
export async function readTraining({ config, identity }: StoredResults): Promise<TrainingLog | string | null> {
  const folder = config.model?.adapter;
  if (folder === undefined) return null;
  if (identity.adapter === undefined || identity.adapter === null) {
    return `The results do not have the SHA-256 of the adapter in ${folder}: training curves are left out.`;
  }
  const path = join(folder, "log.jsonl");
  if (!existsSync(path)) return `There is no training log at ${path}: training curves are left out.`;
  let hash: string;
  try {
    hash = await hashAdapter(folder);
  } catch (error) {
    return `${messageOf(error)}: training curves are left out.`;
  }
  if (hash !== identity.adapter) {
    return `${folder} holds another adapter than the one evaluated (SHA-256 ${excerpt(hash, 12)}, expected ${excerpt(identity.adapter, 12)}): training curves are left out.`;
  }
  return trainingLog(folder, path);
}

function trainingLog(folder: string, path: string): TrainingLog {
  const points = Object.fromEntries(trainingMeasures.map((measure) => [measure, []])) as unknown as Record<
    (typeof trainingMeasures)[number],
    [number, number][]
  >;
  const warnings: { step: number; message: string }[] = [];
  let steps = 0;
  for (const [i, line] of readText(path, MAX_JSON_BYTES).split("\n").entries()) {
    if (line.trim() === "") continue;
    const where = `${path}: line ${i + 1}`;
    const entry = checkJson(where, parsed(where, line), logLine);
    steps = Math.max(steps, entry.step);
    if (entry.message !== undefined) warnings.push({ step: entry.step, message: entry.message });
    for (const measure of trainingMeasures) {
      const value = entry[measure];
      if (value !== undefined && value !== null) points[measure].push([entry.step, value]);
    }
  }
  const curves = Object.fromEntries(trainingMeasures.map((measure) => [measure, thinned(points[measure])]));
  return { folder, steps, curves: curves as unknown as TrainingLog["curves"], warnings: warnings.slice(0, 20) };
}

function parsed(where: string, line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new CumaError(`${where}: is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** Means over as many stretches of neighbours as a curve has points. */
function thinned(points: readonly (readonly [number, number])[]): [number, number][] {
  const size = Math.ceil(points.length / CURVE_POINTS);
  return Array.from({ length: size === 0 ? 0 : Math.ceil(points.length / size) }, (_, i) => {
    const some = points.slice(i * size, (i + 1) * size);
    const mean = (at: 0 | 1): number => some.reduce((sum, point) => sum + point[at], 0) / some.length;
    return [mean(0), mean(1)];
  });
}

const MAX_GROUPS = 1000;
const MAX_EXPERTS = 1024;
const MAX_ROUTERS = 2000;

const finite = z.number();
const matrix = z.array(z.array(finite).max(MAX_GROUPS)).min(1).max(MAX_GROUPS);
const topologySchema = z.object({
  groups: z
    .array(z.object({ name: z.string(), profiles: finite }))
    .min(1)
    .max(MAX_GROUPS),
  experts: z.int().min(1).max(MAX_EXPERTS),
  routers: z
    .array(z.object({ router: z.string(), layer: finite, usage: matrix }))
    .min(1)
    .max(MAX_ROUTERS),
  usage: matrix,
  distances: matrix,
  clustering: z.object({
    merges: z.array(z.object({ left: z.int(), right: z.int(), height: finite })).max(MAX_GROUPS),
    order: z.array(z.int()).max(MAX_GROUPS),
  }),
  embedding: z.array(z.object({ x: finite, y: finite })).max(MAX_GROUPS),
  mutualInformation: z.record(z.string(), z.object({ value: number, p: number, normalised: number })),
  agreement: z
    .object({ adjustedRand: number, p: number, clusters: z.array(z.int()), reference: z.array(z.string()) })
    .nullable(),
  mantel: z.object({ r: number, p: number, questions: finite }).nullable(),
});

/** The routing that `cuma route` has written. @throws CumaError naming the file and what is wrong with it. */
export function readRouting(path: string): Topology {
  const { topology } = checkJson(path, readJson(path, MAX_JSON_BYTES), z.object({ topology: topologySchema }));
  checkTopology(path, topology);
  return topology;
}

/** @throws CumaError where lengths or numbers of groups do not fit each other. */
function checkTopology(path: string, topology: Topology): void {
  const { groups, experts, routers, usage, distances, clustering, embedding } = topology;
  const G = groups.length;
  const expect = (name: string, found: number, expected: number): void => {
    if (found !== expected)
      throw new CumaError(`${path}: "topology.${name}": expected ${expected} of them, found ${found}`);
  };
  const expectMatrix = (name: string, rows: readonly (readonly number[])[], columns: number): void => {
    expect(name, rows.length, G);
    for (const [i, row] of rows.entries()) expect(`${name}.${i}`, row.length, columns);
  };
  expectMatrix("usage", usage, experts);
  for (const [i, router] of routers.entries()) expectMatrix(`routers.${i}.usage`, router.usage, experts);
  expectMatrix("distances", distances, G);
  expect("embedding", embedding.length, G);
  expect("clustering.order", clustering.order.length, G);
  expect("clustering.merges", clustering.merges.length, G - 1);
  if (new Set(clustering.order).size !== G || clustering.order.some((group) => group < 0 || group >= G)) {
    throw new CumaError(`${path}: "topology.clustering.order": expected each group from 0 to ${G - 1} once`);
  }
  for (const [i, { left, right }] of clustering.merges.entries()) {
    for (const child of [left, right]) {
      if (!(child >= 0 && child < G + i)) {
        throw new CumaError(
          `${path}: "topology.clustering.merges.${i}": expected clusters from 0 to ${G + i - 1}, found ${child}`,
        );
      }
    }
  }
}
