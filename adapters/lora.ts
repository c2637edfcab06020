/**
 * LoRA (arXiv 2106.09685), in PEFT's own format, and LoRA with a profile vector: the profile's path without experts.
 *
 *   y = W x + s B A x                 s = alpha / r, or alpha / sqrt(r) where rank-stabilised
 *   y = W x + s B (A x + C e)         with e the profile's vector
 */
import * as z from "zod";
import type { Dim, Feeds, HostTensor } from "../src/core/graph/index.ts";
import {
  adapterMethod,
  type Adapter,
  type AdapterTarget,
  type LinearSite,
  type ParameterSpec,
} from "../src/core/decoder/index.ts";
import { add, matmul, reshape } from "../src/core/ops/index.ts";
import { checkForeignKeys, CumaError } from "../src/core/util/index.ts";
import { peftLoraKeys } from "./folderKeys.ts";
import { alphaSchema } from "./schemas.ts";
import { normal, zeros } from "./tensors.ts";
import { selectSites, targetModulesSchema } from "./targets.ts";

const loraSchema = z.strictObject({
  method: z.literal("lora"),
  targetModules: targetModulesSchema.default(["q_proj", "v_proj"]),
  r: z.int().positive().default(8),
  loraAlpha: alphaSchema.default(16),
  dropout: z.number().min(0).lt(1).default(0),
  rankStabilized: z.boolean().default(false),
  profileVector: z.boolean().default(false),
});

type LoraConfig = z.infer<typeof loraSchema>;

/** Standard deviation of C at the start. */
const INIT_STD = 0.01;

function fit(config: LoraConfig, target: AdapterTarget): Adapter {
  const { r, loraAlpha, profileVector } = config;
  if (profileVector && target.profileWidth === 0) {
    throw new CumaError(
      "adapter.profileVector: there are no profile vectors; expected an encoder, found encoder.model: none",
    );
  }
  const D = profileVector ? target.profileWidth : 0;
  const sites = selectSites(target.sites, config.targetModules);
  const scale = config.rankStabilized ? loraAlpha / Math.sqrt(r) : loraAlpha / r;
  const parameters = sites.flatMap(({ path, layer, inFeatures: I, outFeatures: O }): ParameterSpec[] => [
    {
      name: `${path}.lora_A.weight`,
      shape: [r, I],
      part: "lora",
      layer,
      decay: true,
      // PEFT's initialisation: Kaiming uniform with a = sqrt(5).
      init: (data, rng) => {
        for (let i = 0; i < data.length; i++) data[i] = (2 * rng.uniform() - 1) / Math.sqrt(I);
      },
    },
    { name: `${path}.lora_B.weight`, shape: [O, r], part: "lora", layer, decay: true, init: zeros },
    ...(D > 0
      ? [
          {
            name: `${path}.lora_C.weight`,
            shape: [r, D],
            part: "profile",
            layer,
            decay: true,
            init: normal(INIT_STD),
          } as const,
        ]
      : []),
  ]);
  const diskName = (name: string): string => `base_model.model.${name}`;

  return {
    method: "lora",
    sites,
    parameters,
    profileWidth: D,
    dropout: config.dropout,
    folderConfig: {
      peft_type: profileVector ? "LORA_PROFILE" : "LORA",
      task_type: "CAUSAL_LM",
      r,
      lora_alpha: loraAlpha,
      lora_dropout: config.dropout,
      use_rslora: config.rankStabilized,
      target_modules: config.targetModules,
      bias: "none",
      fan_in_fan_out: false,
      inference_mode: true,
    },
    layer: (inputs) => ({
      losses: [],
      observed: {},
      apply(y, x, site: LinearSite) {
        const parameter = (part: string, shape: readonly number[]) =>
          inputs.parameter(`${site.name}.lora_${part}.weight`, shape);
        let low = matmul(inputs.dropout(x, site), parameter("A", [r, site.inFeatures]), { transB: true }); // [B, T, r]
        if (D > 0) {
          const fromProfile = matmul(inputs.profile!, parameter("C", [r, D]), { transB: true }); // [B, r]
          low = add(low, reshape(fromProfile, [x.shape[0] as Dim, 1, r]));
        }
        return add(y, matmul(low, parameter("B", [site.outFeatures, r]), { transB: true, alpha: scale }));
      },
    }),
    toTensors: (values: Feeds) =>
      Object.fromEntries(parameters.map(({ name }) => [diskName(name), values[name]!] as [string, HostTensor])),
    fromTensors: ({ read }) =>
      Object.fromEntries(parameters.map(({ name, shape }) => [name, read(diskName(name), shape)])),
  };
}

const folderSchema = z.looseObject({
  peft_type: z.enum(["LORA", "LORA_PROFILE"]),
  r: z.int().positive(),
  lora_alpha: alphaSchema,
  lora_dropout: z.number().min(0).lt(1).default(0),
  use_rslora: z.boolean().default(false),
  target_modules: targetModulesSchema,
});

function parseFolderConfig(json: unknown): LoraConfig {
  const config = folderSchema.parse(json);
  checkForeignKeys(config, peftLoraKeys);
  return {
    method: "lora",
    targetModules: config.target_modules,
    r: config.r,
    loraAlpha: config.lora_alpha,
    dropout: config.lora_dropout,
    rankStabilized: config.use_rslora,
    profileVector: config.peft_type === "LORA_PROFILE",
  };
}

export const lora = adapterMethod({
  name: "lora",
  configSchema: loraSchema,
  peftTypes: ["LORA", "LORA_PROFILE"],
  parseFolderConfig,
  takesProfiles: ({ profileVector }) => profileVector,
  fit,
});
