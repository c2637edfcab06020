import * as z from "zod";
import { gatingNames } from "../router/index.ts";
import { alphaSchema } from "./schemas.ts";
import { targetModulesSchema } from "./targets.ts";

/** CuMA's part of a run file. */
export const cumaSchema = z
  .strictObject({
    method: z.literal("cuma").default("cuma"),
    targetModules: targetModulesSchema.default(["q_proj", "v_proj"]),
    r: z.int().positive().default(8),
    loraAlpha: alphaSchema.default(16),
    dropout: z.number().min(0).lt(1).default(0),
    numExperts: z.int().positive().max(1024).default(8),
    topK: z.int().positive().default(2),
    routerHidden: z.int().positive().default(256),
    gating: z.enum(gatingNames).default("topk-softmax"),
    shareA: z.boolean().default(false),
    shareRouter: z.enum(["layer", "site"]).default("layer"),
  })
  .refine((config) => config.topK <= config.numExperts, {
    path: ["topK"],
    error: "expected at most numExperts",
  });

export type CumaConfig = z.infer<typeof cumaSchema>;
