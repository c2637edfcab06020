import { z } from "zod";
import { devices, engineNames } from "../engine/index.ts";
import { expandHome } from "../io/index.ts";
import { MAX_THREADS } from "../util/index.ts";

/** A path, or a name that may be one; `~` is the home folder. */
const path = z.string().min(1).transform(expandHome);

/**
 * A run file. Every key has a default but base, data and out.
 * @param adapter The schema of its `adapter` part: the methods there are.
 * @param holdOutRule The schema of a rule of what is held out.
 * @param benchmarks Names of the data sets there are.
 * @param template The schema of what a chat template is given.
 * @param objectives Names of the objectives there are.
 */
export function runSchema<Adapter, HoldOutRule, Benchmark extends string, Template, Objective extends string>(
  adapter: z.ZodType<Adapter>,
  holdOutRule: z.ZodType<HoldOutRule>,
  benchmarks: readonly [Benchmark, ...Benchmark[]],
  template: z.ZodType<Template>,
  objectives: readonly [Objective, ...Objective[]],
) {
  const probability = z.number().min(0).max(1);
  return z.strictObject({
    base: path,
    revision: z.string().optional(),
    data: z.strictObject({
      benchmark: z.enum(benchmarks).prefault(benchmarks[0]),
      dir: path,
      split: z.string().default("train"),
      /** Number of examples, drawn by the seed; null: all. */
      limit: z.int().positive().nullable().default(null),
      /** Attributes of the profile that are used; null: all. */
      attributes: z.array(z.string()).min(1).nullable().default(null),
      /** Whether the prompt tells who reads. */
      persona: z.boolean().default(true),
      /** Groups that training does not see: profiles that any of the rules holds out. */
      holdOut: z.array(holdOutRule).default([]),
    }),
    template: template.prefault({} as z.input<typeof template>),
    encoder: z
      .strictObject({
        model: path.default("base"),
        projection: z.int().nonnegative().default(0),
        standardize: z.boolean().default(true),
      })
      .prefault({}),
    adapter: adapter.prefault({} as z.input<typeof adapter>),
    train: z
      .strictObject({
        objective: z.enum(objectives).prefault(objectives[0]),
        batchSize: z.int().positive().default(16),
        accumulate: z.int().positive().default(1),
        epochs: z.int().positive().default(3),
        maxSteps: z.int().nonnegative().nullable().default(null),
        lr: z.number().positive().default(2e-5),
        schedule: z.enum(["constant", "linear", "cosine"]).default("constant"),
        warmup: z.int().nonnegative().default(0),
        weightDecay: z.number().nonnegative().default(0),
        betas: z.tuple([probability, probability]).default([0.9, 0.999]),
        eps: z.number().positive().default(1e-8),
        clipNorm: z.number().nonnegative().default(1),
        labels: z.enum(["hard", "soft"]).default("hard"),
        loadBalance: z.number().nonnegative().default(0.01),
        seed: z.int().nonnegative().default(0),
        saveEvery: z.int().positive().default(200),
      })
      .prefault({}),
    engine: z.enum(engineNames).default(engineNames[0]),
    device: z.enum(devices).default(devices[0]),
    plan: z.enum(["auto", "whole", "layerwise", "recompute"]).default("auto"),
    threads: z.int().positive().max(MAX_THREADS).nullable().default(null),
    out: path,
  });
}
