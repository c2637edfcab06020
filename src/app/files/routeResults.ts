/** route.json, as `cuma route --out` writes it. */
import * as z from "zod";
import type { Topology } from "../../../router/index.ts";
import { readJson } from "../../core/io/index.ts";
import { checkJson, CumaError } from "../../core/util/index.ts";
import { provenanceShape, settingsSchema } from "../provenance.ts";
import { encodeFor, MAX_JSON_BYTES } from "./jsonFile.ts";
import { numberOrNaN } from "./results.ts";

/** More groups are refused: clustering takes the cube of their number in time. */
export const MAX_GROUPS = 1000;
const MAX_EXPERTS = 1024;
const MAX_ROUTERS = 2000;

const matrix = z.array(z.array(z.number()).max(MAX_GROUPS)).min(1).max(MAX_GROUPS);

const topologySchema: z.ZodType<Topology> = z.object({
  groups: z
    .array(z.object({ name: z.string(), profiles: z.number() }))
    .min(1)
    .max(MAX_GROUPS),
  experts: z.int().min(1).max(MAX_EXPERTS),
  routers: z
    .array(z.object({ router: z.string(), layer: z.number(), usage: matrix }))
    .min(1)
    .max(MAX_ROUTERS),
  usage: matrix,
  distances: matrix,
  clustering: z.object({
    merges: z.array(z.object({ left: z.int(), right: z.int(), height: z.number() })).max(MAX_GROUPS),
    order: z.array(z.int()).max(MAX_GROUPS),
  }),
  embedding: z.array(z.object({ x: z.number(), y: z.number() })).max(MAX_GROUPS),
  mutualInformation: z.record(z.string(), z.object({ value: numberOrNaN, p: numberOrNaN, normalised: numberOrNaN })),
  agreement: z
    .object({
      adjustedRand: numberOrNaN,
      p: numberOrNaN,
      clusters: z.array(z.int()),
      reference: z.array(z.string()),
    })
    .nullable(),
  mantel: z.object({ r: numberOrNaN, p: numberOrNaN, questions: z.number() }).nullable(),
});

const routeResultsSchema = z.object({
  config: settingsSchema,
  ...provenanceShape,
  /** What was routed: settings, SHA-256 of base, adapter, encoder and files. */
  identity: settingsSchema,
  samples: z.object({
    /** Of the file of profiles. */
    rows: z.int(),
    /** Distinct in the attributes that the model is told or that make the groups. */
    profiles: z.int(),
    texts: z.int(),
    groups: z.int(),
  }),
  /** How much was left out, by reason. */
  exclusions: z.record(z.string(), z.number()),
  /** Numbers that do not apply are null in the file. */
  topology: topologySchema,
});

/** The content of route.json. */
export type RouteResults = z.output<typeof routeResultsSchema>;

export const encodeRouteResults = (results: RouteResults): Uint8Array => encodeFor("route.json", results, parse);

/** @throws CumaError naming the file and what is wrong with it. */
export const readRouteResults = (path: string): RouteResults => parse(path, readJson(path, MAX_JSON_BYTES));

function parse(path: string, json: unknown): RouteResults {
  const results = checkJson(path, json, routeResultsSchema);
  checkTopology(path, results.topology);
  return results;
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
