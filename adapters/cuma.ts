/**
 * CuMA: mixtures of LoRA experts whose router sees the token and the reader's profile (arXiv 2601.04885).
 *
 *   y = W x + (alpha / r) sum_e g_e(x, profile) B_e A_e x
 *
 * Experts are stacked: A [E * r, in], B [E * r, out]. Few of them are computed for every token, in two matrix products with the
 * gates between; where there are many, tokens are grouped by expert and only the chosen ones are computed.
 * Shapes: B rows, T tokens, E experts, K chosen, r rank, I and O the widths of a site.
 */
import { z } from "zod";
import { product, type Dim, type Feeds, type HostTensor, type Value } from "../src/core/graph/index.ts";
import type {
  Adapter,
  AdapterTarget,
  LayerInputs,
  LinearSite,
  ParameterSpec,
  RouterOutput,
  TensorReader,
  TopExperts,
} from "../src/core/decoder/index.ts";
import { adapterMethod, layerPrefix } from "../src/core/decoder/index.ts";
import { combine, dispatch, expertBlocks, gather, matmul, mul, reshape } from "../src/core/ops/index.ts";
import { gatingNames, router, routerParameters, type RouterConfig } from "../router/index.ts";
import { checkForeignKeys, CumaError } from "../src/core/util/index.ts";
import { cumaKeys } from "./folderKeys.ts";
import { alphaSchema } from "./schemas.ts";
import { joinColumns, normal, splitColumns, stack, transposed, unstack } from "./tensors.ts";
import { selectSites, targetModulesSchema } from "./targets.ts";

const cumaSchema = z
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

type CumaConfig = z.infer<typeof cumaSchema>;

/** Standard deviation of A at the start; B starts at 0, so that the untrained adapter changes nothing. */
const INIT_STD = 0.01;

/**
 * From this total rank on, and this many experts for each that is chosen, grouping tokens by expert is faster than computing every
 * expert for every token (docs/benchmarks.md).
 */
const SPARSE_RANK = 256;
const SPARSE_SHARE = 4;
/** Rows of the blocks in which tokens are grouped: more pad more, fewer read an expert's matrices more often. */
const BLOCK_ROWS = 16;

/**
 * The experts' sum, computing only those that were chosen.
 * @param x [B, T, I]
 * @param a [E * r, I]
 * @param b [E * r, O]
 * @returns [B, T, O]
 */
function chosenExperts(
  x: Value,
  a: Value,
  b: Value,
  { index, weights }: TopExperts,
  { E, r, alpha }: { readonly E: number; readonly r: number; readonly alpha: number },
): Value {
  const [B, T, I] = x.shape as [Dim, Dim, Dim];
  const O = b.shape[1]!;
  const tokens = product([B, T]);
  const K = index.shape[2] as number;
  const blocks = expertBlocks(index, E, BLOCK_ROWS);
  const ofBlocks = (experts: Value, width: Dim): Value => gather(reshape(experts, [E, r, width]), blocks.expert);
  const down = matmul(dispatch(reshape(x, [tokens, I]), blocks, K), ofBlocks(a, I), { transB: true }); // [blocks, rows, r]
  const gates = dispatch(reshape(weights, [product([tokens, K]), 1]), blocks, 1); // [blocks, rows, 1]
  const up = matmul(mul(down, gates), ofBlocks(b, O), { alpha }); // [blocks, rows, O]
  return reshape(combine(up, blocks, K, tokens), [B, T, O]);
}

/** Name of a site's router inside its layer. Sites that read the same input may share one. */
function routerName({ group, name }: LinearSite, share: CumaConfig["shareRouter"]): string {
  if (share === "layer" && group === "qkv") return "self_attn.router";
  if (share === "layer" && group === "gate_up") return "mlp.router";
  return `${name}.router`;
}

function fit(config: CumaConfig, target: AdapterTarget): Adapter {
  const { r, numExperts: E, shareA } = config;
  const sites = selectSites(target.sites, config.targetModules);
  const routerConfig = (site: LinearSite): RouterConfig => ({
    inFeatures: site.inFeatures,
    profileWidth: target.profileWidth,
    hidden: config.routerHidden,
    numExperts: E,
    topK: config.topK,
    gating: config.gating,
  });
  const rowsA = shareA ? r : E * r;
  const sparse = !shareA && E * r >= SPARSE_RANK && E >= SPARSE_SHARE * config.topK;
  // Full router names in the order of their first site.
  const routers = new Map<string, RouterConfig>();
  for (const site of sites) {
    const name = layerPrefix(site.layer) + routerName(site, config.shareRouter);
    if (!routers.has(name)) routers.set(name, routerConfig(site));
  }
  const parameters: ParameterSpec[] = [
    ...sites.flatMap(({ path, inFeatures: I, outFeatures: O }): ParameterSpec[] => [
      { name: `${path}.lora_a`, shape: [rowsA, I], part: "experts", decay: true, init: normal(INIT_STD) },
      { name: `${path}.lora_b`, shape: [E * r, O], part: "experts", decay: true, init: (data) => data.fill(0) },
    ]),
    ...[...routers].flatMap(([name, router]) => routerParameters(name, router)),
  ];

  return {
    method: "cuma",
    sites,
    parameters,
    profileWidth: target.profileWidth,
    dropout: config.dropout,
    hasRouters: true,
    folderConfig: folderConfig(config, target.profileWidth),

    layer(inputs: LayerInputs) {
      const found = new Map<string, RouterOutput>();
      return {
        get routers() {
          return [...found.values()];
        },
        delta(x: Value, site: LinearSite): Value {
          const name = routerName(site, config.shareRouter);
          const routed = found.get(name) ?? router(name, routerConfig(site), x, inputs);
          found.set(name, routed);
          const read = inputs.dropout(x, site);
          const a = inputs.parameter(`${site.name}.lora_a`, [rowsA, site.inFeatures]);
          const b = inputs.parameter(`${site.name}.lora_b`, [E * r, site.outFeatures]);
          const alpha = config.loraAlpha / r;
          if (sparse && routed.top) return chosenExperts(read, a, b, routed.top, { E, r, alpha });
          const [B, T] = x.shape as [Dim, Dim];
          const down = matmul(read, a, { transB: true });
          const gated = mul(reshape(down, [B, T, shareA ? 1 : E, r]), reshape(routed.gates, [B, T, E, 1])); // [B, T, E, r]
          return matmul(reshape(gated, [B, T, E * r]), b, { alpha });
        },
      };
    },

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

/** The reference code's keys, and `gating` for what they cannot say. */
function folderConfig(config: CumaConfig, profileWidth: number): Record<string, unknown> {
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

function parseFolderConfig(json: unknown): CumaConfig {
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

export const cuma = adapterMethod({
  name: "cuma",
  configSchema: cumaSchema,
  peftTypes: ["CuMA"],
  parseFolderConfig,
  fit,
});
