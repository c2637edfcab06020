import type { Engine, Executable } from "../engine/index.ts";
import {
  floats,
  Graph,
  program,
  sizeOf,
  sum,
  type Feeds,
  type Floats,
  type HostTensor,
  type Precision,
  type Program,
} from "../graph/index.ts";
import type { Adapter } from "./adapter.ts";
import type { Batch } from "./batch.ts";
import { finalRows, layerPrefix, tokenLogProbs, vocabularyLogits } from "./layer.ts";
import { adaptedSites, buildLayer, layerVariant, observedOf, sharedInputs, type LayerOptions } from "./layerGraph.ts";
import type { DecoderConfig } from "./decoderConfig.ts";
import { RopeCache } from "./ropeCache.ts";

/** The tensors of a model, base and adapter, for one engine. */
export interface ModelTensors {
  readonly config: DecoderConfig;
  readonly weights: ReadonlyMap<string, HostTensor>;
  readonly adapter?: Adapter | undefined;
  /** The adapter's parameters by name. */
  readonly parameters?: Feeds | undefined;
}

/** Keys and values of tokens computed before, by layer: [1, k, P, d] each. */
export type KvCache = readonly { readonly keys: HostTensor; readonly values: HostTensor }[];

export interface ForwardOptions {
  /** Profile vectors [B, D], where the adapter takes them. */
  readonly profile?: HostTensor | undefined;
  /** Indices into B * T of the tokens whose hidden state is wanted; all tokens without it. */
  readonly rows?: Int32Array | undefined;
  readonly past?: KvCache | undefined;
  /** Also give the keys and values of the batch's own tokens. */
  readonly keepCache?: boolean;
  /** Also give what the adapter lets be seen of every token. */
  readonly observe?: boolean;
}

export interface ForwardResult {
  /** Before the final norm: [R, H] for the wanted tokens, [B * T, H] for all. */
  readonly hidden: HostTensor;
  readonly cache: KvCache;
  /** What the adapter lets be seen of every token [B, T, ...], by name: "model.layers.0.self_attn.router.gates". */
  readonly observed: Feeds;
}

/** Before the names of observed values among a program's outputs. */
const OBSERVED = "observed.";

/** The last layer needs its other tokens only where an adapter works on what follows the attention. */
export function trimsLastLayer(config: DecoderConfig, adapter: Adapter | undefined): boolean {
  return adaptedSites(adapter, config.numLayers - 1).every((name) => /\.[qkv]_proj$/.test(name));
}

/** The tensors of one layer by their names inside it. */
export function layerTensors(
  tensors: Iterable<readonly [string, HostTensor]>,
  layer: number,
): Record<string, HostTensor> {
  const prefix = layerPrefix(layer);
  return Object.fromEntries(
    [...tensors].flatMap(([name, tensor]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [])),
  );
}

/** Rows of the embedding table for a batch's tokens: [B, T, H]. */
export function embedTokens(table: HostTensor, inputIds: HostTensor, into: Floats): HostTensor {
  const H = table.shape[1]!;
  for (const [i, id] of (inputIds.data as Int32Array).entries()) {
    into.set(table.data.subarray(id * H, (id + 1) * H), i * H);
  }
  return { shape: [...inputIds.shape, H], data: into };
}

/**
 * Runs a model forward, layer by layer; equal layers share one compiled program. Calls may overlap: each writes to
 * memory of its own.
 */
export class Decoder {
  readonly config: DecoderConfig;
  readonly precision: Precision;
  private readonly engine: Engine;
  private readonly adapter: Adapter | undefined;
  private readonly weights: ReadonlyMap<string, HostTensor>;
  private readonly layers: readonly Feeds[];
  private readonly executables = new Map<string, Promise<Executable>>();
  /** Programs of layers with the layer's tensors. */
  private readonly bound = new Map<string, Promise<Executable>>();
  private readonly rope: RopeCache;

  constructor(engine: Engine, { config, weights, adapter, parameters = {} }: ModelTensors) {
    this.engine = engine;
    this.precision = engine.precision;
    this.config = config;
    this.adapter = adapter;
    this.weights = new Map([...weights, ...Object.entries(parameters)]);
    this.layers = Array.from({ length: config.numLayers }, (_, layer) => layerTensors(this.weights, layer));
    this.rope = new RopeCache(config, engine.precision);
  }

  async forward(batch: Batch, options: ForwardOptions = {}): Promise<ForwardResult> {
    const { config, precision } = this;
    const H = config.hiddenSize;
    const [B, T] = [batch.rows, batch.tokens];
    const pastTokens = options.past?.[0]?.keys.shape[2] ?? 0;
    const shared = {
      ...batch.feeds,
      ...this.rope.feeds(pastTokens + T),
      rows: { shape: [options.rows?.length ?? 0], data: options.rows ?? new Int32Array(0) },
      ...(options.profile && { profile: options.profile }),
    };
    const table = this.weights.get("model.embed_tokens.weight")!;
    // Each layer reads one block and writes the other.
    const blocks = [floats(precision, B * T * H), floats(precision, B * T * H)] as const;
    let hidden = embedTokens(table, batch.feeds.inputIds, blocks[0]);
    const cache: KvCache[number][] = [];
    const observed: Record<string, HostTensor> = {};
    for (let layer = 0; layer < config.numLayers; layer++) {
      const last = layer === config.numLayers - 1;
      const trim = last && options.rows !== undefined && trimsLastLayer(config, this.adapter);
      const executable = await this.layerProgram(layer, {
        adapter: this.adapter,
        past: options.past !== undefined,
        rows: trim,
      });
      const past = options.past?.[layer];
      const into = trim
        ? { shape: [options.rows.length, H], data: floats(precision, options.rows.length * H) }
        : { shape: [B, T, H], data: blocks[layer % 2 === 0 ? 1 : 0] };
      const outputs = await executable.run(
        {
          ...shared,
          x: hidden,
          ...(past && { "past.keys": past.keys, "past.values": past.values }),
        },
        { hidden: into },
      );
      hidden = outputs["hidden"]!;
      if (options.keepCache) cache.push({ keys: outputs["keys"]!, values: outputs["values"]! });
      if (options.observe) {
        for (const [name, output] of Object.entries(outputs)) {
          if (name.startsWith(OBSERVED)) observed[layerPrefix(layer) + name.slice(OBSERVED.length)] = output;
        }
      }
    }
    return { hidden: this.wanted(hidden, options.rows), cache, observed };
  }

  /** Log-probabilities of single tokens: hidden [R, H], then the row and the token of each [N] -> [N]. */
  async logProbs(hidden: HostTensor, row: Int32Array, token: Int32Array): Promise<Floats> {
    const executable = await this.headProgram("logProbs", () => {
      const { graph, logits } = this.head();
      const values = tokenLogProbs(logits, graph.input("row", "int", ["N"]), graph.input("token", "int", ["N"]));
      return program({ values });
    });
    const { values } = await executable.run({
      hidden,
      row: { shape: [row.length], data: row },
      token: { shape: [token.length], data: token },
    });
    return values!.data as Floats;
  }

  /** Vocabulary logits: hidden [R, H] -> [R, V]. */
  async logits(hidden: HostTensor): Promise<HostTensor> {
    const executable = await this.headProgram("logits", () => program({ logits: this.head().logits }));
    const { logits } = await executable.run({ hidden });
    return logits!;
  }

  /** Hidden states after the final norm: [R, H] -> [R, H]. */
  async normalise(hidden: HostTensor): Promise<HostTensor> {
    const executable = await this.headProgram("normalise", () => program({ normal: this.head().normal }));
    const { normal } = await executable.run({ hidden });
    return normal!;
  }

  async dispose(): Promise<void> {
    for (const made of [this.bound, this.executables]) {
      for (const executable of made.values()) await (await executable).dispose();
      made.clear();
    }
  }

  private wanted(hidden: HostTensor, rows: Int32Array | undefined): HostTensor {
    const H = this.config.hiddenSize;
    if (hidden.shape.length === 2) return hidden;
    if (!rows) return { shape: [sizeOf(hidden.shape) / H, H], data: hidden.data };
    const data = floats(this.precision, rows.length * H);
    for (const [i, row] of rows.entries()) data.set(hidden.data.subarray(row * H, (row + 1) * H), i * H);
    return { shape: [rows.length, H], data };
  }

  private head() {
    const { config } = this;
    const graph = new Graph();
    const hidden = graph.input("hidden", "float", ["R", config.hiddenSize]);
    const normal = finalRows(config, hidden, undefined, graph.input("norm", "float", [config.hiddenSize]));
    const logits = vocabularyLogits(normal, graph.input("head", "float", [config.vocabSize, config.hiddenSize]));
    return { graph, normal, logits };
  }

  private headProgram(name: string, build: () => Program): Promise<Executable> {
    const head = this.config.tieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
    return once(this.bound, name, async () =>
      (await this.once(name, build)).bind({
        norm: this.weights.get("model.norm.weight")!,
        head: this.weights.get(head)!,
      }),
    );
  }

  private layerProgram(layer: number, options: LayerOptions): Promise<Executable> {
    const variant = layerVariant(this.config, layer, options);
    return once(this.bound, `${layer} ${variant}`, async () =>
      (await this.compiledLayer(layer, variant, options)).bind(this.layers[layer] ?? {}),
    );
  }

  private compiledLayer(layer: number, variant: string, options: LayerOptions): Promise<Executable> {
    return this.once(variant, () => {
      const graph = new Graph();
      const x = graph.input("x", "float", ["B", "T", this.config.hiddenSize]);
      const shared = sharedInputs(graph, this.config, this.adapter, options.past ? sum(["P", "T"]) : "T");
      const { hidden, keys, values, observed } = buildLayer(this.config, layer, x, shared, "", options);
      return program({
        hidden,
        keys,
        values,
        ...Object.fromEntries(
          Object.entries(observed).flatMap(([name, value]) =>
            observedOf(value) === "tokens" ? [[OBSERVED + name, value]] : [],
          ),
        ),
      });
    });
  }

  private once(key: string, build: () => Program): Promise<Executable> {
    return once(this.executables, key, () => this.engine.compile(build()));
  }
}

/** What is in the map, or made for it; made again where that failed. */
function once<T>(made: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  let found = made.get(key);
  if (!found) {
    made.set(key, (found = make()));
    found.catch(() => made.delete(key));
  }
  return found;
}
