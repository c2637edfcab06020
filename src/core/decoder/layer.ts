/**
 * The decoder of all supported families, as a graph: embedding, layers, head.
 *
 * Shapes: B sequences, T tokens, H hidden, I intermediate, V vocabulary, h query heads, k key heads, d head width,
 * S tokens that can be attended to (T, or P + T with P cached ones), R rows whose hidden state is wanted.
 */
import { product, type Dim, type Graph, type Shape, type Value } from "../graph/index.ts";
import {
  add,
  concat,
  exp,
  expand,
  gather,
  log,
  matmul,
  mul,
  pick,
  reduceMax,
  reduceSum,
  reshape,
  rmsNorm,
  rotary,
  silu,
  softmax,
  stopGradient,
  sub,
  transpose,
} from "../ops/index.ts";
import type { LayerAdapter } from "./adapter.ts";
import type { DecoderConfig, LinearSite } from "./decoderConfig.ts";

/** Names and shapes of all parameters of the base, as checkpoints have them. */
export function baseShapes(config: DecoderConfig): Map<string, readonly number[]> {
  const { vocabSize: V, hiddenSize: H, headDim } = config;
  const shapes = new Map<string, readonly number[]>([["model.embed_tokens.weight", [V, H]]]);
  for (const site of linearSites(config)) {
    shapes.set(`${site.path}.weight`, [site.outFeatures, site.inFeatures]);
    if (hasBias(config, site)) shapes.set(`${site.path}.bias`, [site.outFeatures]);
  }
  for (let layer = 0; layer < config.numLayers; layer++) {
    const prefix = layerPrefix(layer);
    shapes.set(`${prefix}input_layernorm.weight`, [H]);
    shapes.set(`${prefix}post_attention_layernorm.weight`, [H]);
    if (config.qkNorm) {
      shapes.set(`${prefix}self_attn.q_norm.weight`, [headDim]);
      shapes.set(`${prefix}self_attn.k_norm.weight`, [headDim]);
    }
  }
  shapes.set("model.norm.weight", [H]);
  if (!config.tieWordEmbeddings) shapes.set("lm_head.weight", [V, H]);
  return shapes;
}

/** "model.layers.3." */
export function layerPrefix(layer: number): string {
  return `model.layers.${layer}.`;
}

/** The layer that a tensor is in, by its name; null for one outside of the layers. */
export function layerOf(name: string): number | null {
  const [, layer] = /^model\.layers\.(\d+)\./.exec(name) ?? [];
  return layer === undefined ? null : Number(layer);
}

/** Every linear layer of the decoder, in the order of computation. */
export function linearSites(config: DecoderConfig): LinearSite[] {
  const { hiddenSize: H, intermediateSize: I } = config;
  const [Q, K] = [config.numHeads * config.headDim, config.numKvHeads * config.headDim];
  const sites: [string, LinearSite["group"], number, number][] = [
    ["self_attn.q_proj", "qkv", H, Q],
    ["self_attn.k_proj", "qkv", H, K],
    ["self_attn.v_proj", "qkv", H, K],
    ["self_attn.o_proj", "o", Q, H],
    ["mlp.gate_proj", "gate_up", H, I],
    ["mlp.up_proj", "gate_up", H, I],
    ["mlp.down_proj", "down", I, H],
  ];
  return Array.from({ length: config.numLayers }, (_, layer) =>
    sites.map(([name, group, inFeatures, outFeatures]) => ({
      path: layerPrefix(layer) + name,
      layer,
      name,
      inFeatures,
      outFeatures,
      group,
    })),
  ).flat();
}

function hasBias({ bias }: DecoderConfig, { group }: LinearSite): boolean {
  return group === "qkv" ? bias.qkv : group === "o" ? bias.o : bias.mlp;
}

/** Keys and values of tokens computed before, [1, k, P, d] each, which every sequence of the batch sees first. */
export interface Past {
  readonly keys: Value;
  readonly values: Value;
}

/** Where a layer takes its tensors from, and what it is asked to do. */
export interface LayerContext {
  readonly graph: Graph;
  /** A frozen tensor of this layer by its name without the layer's prefix. */
  weight(name: string, shape: Shape): Value;
  /** Positions of the tokens, int [B, T]. */
  readonly positions: Value;
  /** Added to the attention scores: 0 where a token may attend, very negative elsewhere [B, 1, T, S]. */
  readonly attentionBias: Value;
  /** Cosines and sines of the rotary embedding by position [M, d/2]. */
  readonly rope: { readonly cos: Value; readonly sin: Value };
  /** The sites of this layer that are adapted, and what adapts them. */
  readonly adapter?: { readonly at: LayerAdapter; readonly sites: ReadonlySet<string> };
  readonly past?: Past;
  /** Indices into the B*T tokens, int [R]: only these go through what follows the attention. */
  readonly rows?: Value;
}

export interface LayerResult {
  /** [B, T, H], or [R, H] where rows are asked for. */
  readonly hidden: Value;
  /** Keys and values of this layer's own tokens [B, k, T, d]. */
  readonly keys: Value;
  readonly values: Value;
}

/** Token ids int [B, T] -> hidden [B, T, H]. */
export function embed(table: Value, inputIds: Value): Value {
  return gather(table, inputIds);
}

/** One decoder layer: x [B, T, H] -> hidden. */
export function decoderLayer(config: DecoderConfig, layer: number, x: Value, context: LayerContext): LayerResult {
  const { hiddenSize: H, headDim: d, numHeads, numKvHeads, rmsNormEps } = config;
  const [B, T] = x.shape as [Dim, Dim];
  const groups = numHeads / numKvHeads;
  const sites = new Map(linearSites(config).flatMap((site) => (site.layer === layer ? [[site.name, site]] : [])));

  const linear = (input: Value, name: string): Value => {
    const site = sites.get(name)!;
    let y = matmul(input, context.weight(`${name}.weight`, [site.outFeatures, site.inFeatures]), { transB: true });
    if (hasBias(config, site)) y = add(y, context.weight(`${name}.bias`, [site.outFeatures]));
    return context.adapter?.sites.has(name) ? context.adapter.at.apply(y, input, site) : y;
  };
  const norm = (input: Value, name: string, width: number): Value =>
    rmsNorm(input, context.weight(`${name}.weight`, [width]), rmsNormEps);
  const heads = (projected: Value, count: number, normName: string | undefined): Value => {
    let split = reshape(projected, [B, T, count, d]);
    if (normName !== undefined && config.qkNorm) split = norm(split, normName, d);
    if (normName === undefined || config.noRopeLayers.has(layer)) return split;
    return rotary(split, context.positions, context.rope.cos, context.rope.sin);
  };

  const h = norm(x, "input_layernorm", H);
  const q = heads(linear(h, "self_attn.q_proj"), numHeads, "self_attn.q_norm"); // [B, T, h, d]
  const k = heads(linear(h, "self_attn.k_proj"), numKvHeads, "self_attn.k_norm"); // [B, T, k, d]
  const v = heads(linear(h, "self_attn.v_proj"), numKvHeads, undefined); // [B, T, k, d]

  // The query heads that share a key head stand below one another, so that keys need not be repeated.
  const queries = reshape(transpose(reshape(q, [B, T, numKvHeads, groups, d]), [0, 2, 3, 1, 4]), [
    B,
    numKvHeads,
    product([groups, T]),
    d,
  ]);
  const keys = transpose(k, [0, 2, 1, 3]); // [B, k, T, d]
  const values = transpose(v, [0, 2, 1, 3]); // [B, k, T, d]
  const allKeys = withPast(keys, context.past?.keys);
  const allValues = withPast(values, context.past?.values);
  const S = allKeys.shape[2]!;
  const scores = reshape(matmul(queries, allKeys, { transB: true, alpha: d ** -0.5 }), [B, numKvHeads, groups, T, S]);
  const bias = reshape(context.attentionBias, [B, 1, 1, T, S]);
  const weights = reshape(softmax(add(scores, bias)), [B, numKvHeads, product([groups, T]), S]);
  const mixed = reshape(matmul(weights, allValues), [B, numKvHeads, groups, T, d]);
  let attended = reshape(transpose(mixed, [0, 3, 1, 2, 4]), [B, T, numHeads * d]);

  let residual = x;
  if (context.rows) {
    attended = gather(reshape(attended, [product([B, T]), numHeads * d]), context.rows); // [R, h * d]
    residual = gather(reshape(x, [product([B, T]), H]), context.rows); // [R, H]
  }
  const afterAttention = add(residual, linear(attended, "self_attn.o_proj"));
  const m = norm(afterAttention, "post_attention_layernorm", H);
  const inner = mul(silu(linear(m, "mlp.gate_proj")), linear(m, "mlp.up_proj")); // [B, T, I]
  return { hidden: add(afterAttention, linear(inner, "mlp.down_proj")), keys, values };
}

/** Cached tokens [1, k, P, d], seen by every sequence, before a batch's own [B, k, T, d]. */
function withPast(own: Value, past: Value | undefined): Value {
  if (!past) return own;
  const repeated = expand(past, own.shape.with(2, past.shape[2]!));
  return concat([repeated, own], 2);
}

/** Rows [R] of hidden [B, T, H], or all of hidden that is [R, H] already, through the final norm: [R, H]. */
export function finalRows(config: DecoderConfig, hidden: Value, rows: Value | undefined, norm: Value): Value {
  const flat = rows ? gather(reshape(hidden, [product(hidden.shape.slice(0, -1)), config.hiddenSize]), rows) : hidden;
  return rmsNorm(flat, norm, config.rmsNormEps);
}

/** Vocabulary logits of rows: [R, H] and the head [V, H] -> [R, V]. */
export function vocabularyLogits(rows: Value, head: Value): Value {
  return matmul(rows, head, { transB: true });
}

/** Log-probabilities of single tokens: logits [R, V], row and token [N] -> [N]. */
export function tokenLogProbs(logits: Value, row: Value, token: Value): Value {
  const max = stopGradient(reduceMax(logits, [-1], true)); // [R, 1]
  const normaliser = add(log(reduceSum(exp(sub(logits, max)), [-1], true)), max); // [R, 1]
  return sub(pick(logits, row, token), gather(reshape(normaliser, [logits.shape[0]!]), row));
}
