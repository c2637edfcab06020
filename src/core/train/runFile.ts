/** run.json, which says that the run in a folder is complete, and what it was. */
import { z } from "zod";

const counts = z.record(z.string(), z.number());
const unknowns = z.record(z.string(), z.unknown());

export const runFileSchema = z.object({
  config: unknowns,
  seed: z.int(),
  versions: z.record(z.string(), z.string()),
  gitHash: z.string().nullable(),
  /** What must not change between the start of a run and its continuation. */
  identity: unknowns,
  baseHash: z.string(),
  /** SHA-256 by file. */
  dataFiles: z.record(z.string(), z.string()),
  /** What was changed or left out of the data, by reason. */
  notes: counts,
  /** null where profiles are not encoded. */
  encoder: z.object({ name: z.string(), hash: z.string(), width: z.int() }).nullable(),
  examples: z.int(),
  profiles: z.int(),
  steps: z.int(),
  /** By part, and in total. */
  parameters: counts,
  /** Paths of the linear maps that the adapter changes. */
  sites: z.array(z.string()),
});

export type RunFile = z.output<typeof runFileSchema>;
