import type { Dim, Graph, Shape, Value } from "../graph/index.ts";
import { mul } from "../ops/index.ts";
import type { Adapter, LayerInputs, NamedLoss } from "./adapter.ts";
import { decoderLayer, layerPrefix, type LayerResult } from "./layer.ts";
import type { DecoderConfig } from "./decoderConfig.ts";

export interface LayerOptions {
  readonly adapter?: Adapter | undefined;
  /** Keys and values of earlier tokens are given. */
  readonly past?: boolean;
  /** Only some tokens go through what follows the attention. */
  readonly rows?: boolean;
  /** Apply dropout, with masks given as inputs. */
  readonly dropout?: boolean;
}

/** One decoder layer as a graph, with its adapter. */
export interface BuiltLayer extends LayerResult {
  readonly losses: readonly NamedLoss[];
  /** See `LayerAdapter.observed`. */
  readonly observed: Readonly<Record<string, Value>>;
  /** The adapter's parameters in this layer, by their names in the graph. */
  readonly parameters: ReadonlyMap<string, Value>;
}

/** Inputs of a layer that all layers share. B rows, T tokens, S attended tokens, M positions, D profile width. */
export interface SharedInputs {
  readonly positions: Value;
  readonly attentionBias: Value;
  readonly tokenMask: Value;
  readonly rope: { readonly cos: Value; readonly sin: Value };
  readonly profile: Value | undefined;
  /** Tokens whose logits are wanted, as indices into B * T. */
  readonly rows: Value;
}

/** @param S "T", or the sum of P and T where the keys of P earlier tokens are given. */
export function sharedInputs(graph: Graph, config: DecoderConfig, adapter: Adapter | undefined, S: Dim): SharedInputs {
  const half = config.headDim / 2;
  const width = adapter?.profileWidth ?? 0;
  return {
    positions: graph.input("positions", "int", ["B", "T"]),
    attentionBias: graph.input("attentionBias", "float", ["B", 1, "T", S]),
    tokenMask: graph.input("tokenMask", "float", ["B", "T"]),
    rope: {
      cos: graph.input("rope.cos", "float", ["M", half]),
      sin: graph.input("rope.sin", "float", ["M", half]),
    },
    profile: width > 0 ? graph.input("profile", "float", ["B", width]) : undefined,
    rows: graph.input("rows", "int", ["R"]),
  };
}

/** Which sites of a layer an adapter changes, in the order of computation. */
export function adaptedSites(adapter: Adapter | undefined, layer: number): string[] {
  return adapter?.sites.filter((site) => site.layer === layer).map((site) => site.name) ?? [];
}

/** Layers that are equal in everything but their tensors have the same variant. */
export function layerVariant(config: DecoderConfig, layer: number, options: LayerOptions): string {
  const rope = config.noRopeLayers.has(layer) ? "no rope" : "rope";
  const flags = (["past", "rows", "dropout"] as const).filter((flag) => options[flag]);
  return [rope, ...flags, ...adaptedSites(options.adapter, layer)].join(" ");
}

/**
 * Adds a layer to a graph.
 * @param prefix Of the layer's tensors in the graph: "" where a graph holds one layer only.
 */
export function buildLayer(
  config: DecoderConfig,
  layer: number,
  x: Value,
  shared: SharedInputs,
  prefix: string,
  { adapter, past, rows, dropout }: LayerOptions,
): BuiltLayer {
  const { graph } = x;
  const parameters = new Map<string, Value>();
  const sites = new Set(adaptedSites(adapter, layer));
  const trained = new Set(adapter?.parameters.map((parameter) => parameter.name));
  const weight = (name: string, shape: Shape): Value => {
    const value = graph.input(prefix + name, "float", shape);
    if (trained.has(layerPrefix(layer) + name)) parameters.set(prefix + name, value);
    return value;
  };
  const inputs: LayerInputs = {
    graph,
    layer,
    profile: shared.profile,
    tokenMask: shared.tokenMask,
    parameter(name, shape) {
      const value = graph.input(prefix + name, "float", shape);
      parameters.set(prefix + name, value);
      return value;
    },
    weight: ({ name, inFeatures, outFeatures }) => weight(`${name}.weight`, [outFeatures, inFeatures]),
    dropout: (input, site) =>
      dropout ? mul(input, graph.input(`${prefix}dropout.${site.name}`, "float", input.shape)) : input,
  };
  const layerAdapter = adapter && sites.size > 0 ? adapter.layer(inputs) : undefined;
  const kv: Dim[] = [1, config.numKvHeads, "P", config.headDim];
  const result = decoderLayer(config, layer, x, {
    graph,
    weight,
    positions: shared.positions,
    attentionBias: shared.attentionBias,
    rope: shared.rope,
    ...(rows && { rows: shared.rows }),
    ...(layerAdapter && { adapter: { at: layerAdapter, sites } }),
    ...(past && {
      past: {
        keys: graph.input(`${prefix}past.keys`, "float", kv),
        values: graph.input(`${prefix}past.values`, "float", kv),
      },
    }),
  });
  return { ...result, losses: layerAdapter?.losses ?? [], observed: layerAdapter?.observed ?? {}, parameters };
}

/** What an observed value is of. */
export function observedOf({ shape }: Value): "tokens" | "rows" | "batch" {
  if (shape[0] !== "B") return "batch";
  return shape[1] === "T" ? "tokens" : "rows";
}
