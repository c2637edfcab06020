/**
 * CuMA's folders, as the reference code writes them (commit 0ba7659): one tensor for each expert, and the routers of all layers
 * under the first adapted site. `gating` says what its keys cannot.
 */
import * as z from "zod";
import type { Feeds, HostTensor } from "../src/core/graph/index.ts";
import type { LinearSite, TensorReader } from "../src/core/decoder/index.ts";
import { gatingNames, type RouterConfig } from "../router/index.ts";
import { checkForeignKeys, CumaError } from "../src/core/util/index.ts";
import { cumaSchema, type CumaConfig } from "./cumaConfig.ts";
import { cumaKeys } from "./folderKeys.ts";
import { alphaSchema } from "./schemas.ts";
import { joinColumns, splitColumns, stack, transposed, unstack } from "./tensors.ts";
import { targetModulesSchema } from "./targets.ts";

/** What adapter_config.json says. */
export function cumaFolderConfig(config: CumaConfig, profileWidth: number): Record<string, unknown> {
  const shared = config.shareRouter === "layer";
  return {
    peft_type: "CuMA",
    lora_r: config.r,
    lora_alpha: config.loraAlpha,
    dropout: config.dropout,
    num_experts: config.numExperts,
    top_k: config.topK,
    use_hydra_lora: config.shareA,
    demographic_embed_dim: profileWidth,
    router_hidden_dim: config.routerHidden,
    num_router_mlp_layers: 2,
    top_k_routing_strategy: config.gating === "topk-softmax" || config.gating === "double-softmax",
    target_modules: config.targetModules,
    target_modules_lora: config.targetModules,
    share_router_for_qkv: shared,
    share_router_for_w_i: shared,
    gating: config.gating,
  };
}

const folderSchema = z.looseObject({
  lora_r: z.int().positive(),
  lora_alpha: alphaSchema,
  dropout: z.number().min(0).lt(1).default(0),
  num_experts: z.int().positive(),
  top_k: z.int().positive(),
  use_hydra_lora: z.boolean(),
  router_hidden_dim: z.int().positive(),
  num_router_mlp_layers: z.literal(2),
  num_encoder_proj_mlp_layers: z.literal(0).optional(),
  top_k_routing_strategy: z.boolean(),
  target_modules: targetModulesSchema,
  target_modules_lora: targetModulesSchema.optional(),
  share_router_for_qkv: z.boolean(),
  share_router_for_w_i: z.boolean(),
  gating: z.enum(gatingNames).optional(),
});

/** @throws ZodError, or CumaError, for what is not the format or is not supported. */
export function parseCumaFolder(json: unknown): CumaConfig {
  const config = folderSchema.parse(json);
  checkForeignKeys(config, cumaKeys);
  if (config.share_router_for_qkv !== config.share_router_for_w_i) {
    throw new CumaError("share_router_for_qkv and share_router_for_w_i differ; expected both true or both false");
  }
  return cumaSchema.parse({
    targetModules: config.target_modules_lora ?? config.target_modules,
    r: config.lora_r,
    loraAlpha: config.lora_alpha,
    dropout: config.dropout,
    numExperts: config.num_experts,
    topK: config.top_k,
    routerHidden: config.router_hidden_dim,
    gating: config.gating ?? (config.top_k_routing_strategy ? "double-softmax" : "soft-topk"),
    shareA: config.use_hydra_lora,
    shareRouter: config.share_router_for_qkv ? "layer" : "site",
  });
}

/** The tensors of a folder, and back. Shapes: E experts, r rank, I and O the widths of a site, D profile, R router hidden. */
export function cumaTensors(
  { numExperts: E, r, shareA }: CumaConfig,
  sites: readonly LinearSite[],
  routers: ReadonlyMap<string, RouterConfig>,
) {
  return {
    toTensors(values: Feeds) {
      const tensors: Record<string, HostTensor> = {};
      for (const { path, inFeatures: I, outFeatures: O } of sites) {
        const a = values[`${path}.lora_a`]!;
        if (shareA) tensors[`${path}.lora_a`] = a;
        else unstack(a, E, [r, I]).forEach((part, e) => (tensors[`${path}.lora_a.${e}`] = part));
        unstack(values[`${path}.lora_b`]!, E, [r, O]).forEach((part, e) => {
          tensors[`${path}.lora_b.${e}`] = transposed(part);
        });
      }
      for (const [index, name] of [...routers.keys()].entries()) {
        const mlp = `${sites[0]!.path}._router_manager.routers.${index}.mlp`;
        const profilePart = values[`${name}.w1d`];
        tensors[`${mlp}.1.weight`] = joinColumns(values[`${name}.w1x`]!, profilePart);
        tensors[`${mlp}.1.bias`] = values[`${name}.b1`]!;
        tensors[`${mlp}.4.weight`] = values[`${name}.w2`]!;
        tensors[`${mlp}.4.bias`] = values[`${name}.b2`]!;
      }
      return tensors;
    },

    fromTensors({ read }: TensorReader) {
      const values: Record<string, HostTensor> = {};
      const experts = Array.from({ length: E }, (_, e) => e);
      for (const { path, inFeatures: I, outFeatures: O } of sites) {
        values[`${path}.lora_a`] = shareA
          ? read(`${path}.lora_a`, [r, I])
          : stack(experts.map((e) => read(`${path}.lora_a.${e}`, [r, I])));
        values[`${path}.lora_b`] = stack(experts.map((e) => transposed(read(`${path}.lora_b.${e}`, [O, r]))));
      }
      for (const [index, [name, { inFeatures: I, profileWidth: D, hidden: R }]] of [...routers].entries()) {
        const mlp = `${sites[0]!.path}._router_manager.routers.${index}.mlp`;
        const [tokenPart, profilePart] = splitColumns(read(`${mlp}.1.weight`, [R, I + D]), I);
        values[`${name}.w1x`] = tokenPart;
        if (D > 0) values[`${name}.w1d`] = profilePart;
        values[`${name}.b1`] = read(`${mlp}.1.bias`, [R]);
        values[`${name}.w2`] = read(`${mlp}.4.weight`, [E, R]);
        values[`${name}.b2`] = read(`${mlp}.4.bias`, [E]);
      }
      return values;
    },
  };
}
