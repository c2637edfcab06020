import type { z } from "zod";
import type { Graph, HostTensor, Shape, Value } from "../graph/index.ts";
import type { Rng } from "../util/index.ts";
import type { LinearSite } from "./types.ts";

/** A tensor that training changes. */
export interface ParameterSpec {
  /** Its name in the graph; inside a layer it begins with "model.layers.{i}.". */
  readonly name: string;
  readonly shape: readonly number[];
  /** What it belongs to, for counting and for parameter groups. */
  readonly part: "experts" | "router" | "lora" | "profile" | "base";
  /** Whether weight decay applies (it does not to biases and norms). */
  readonly decay: boolean;
  /** Fills a fresh tensor of this shape. */
  init(data: Float32Array, rng: Rng): void;
}

/** Routing of one router in one layer. */
export interface RouterOutput {
  /** "model.layers.0.self_attn.router", or the router of one site: "model.layers.0.mlp.down_proj.router". */
  readonly name: string;
  /** Weights of the experts [B, T, E]; 0 for those not chosen. */
  readonly gates: Value;
  /** Load-balancing loss, a scalar: E * sum_e f_e p_e over the tokens of the mask. */
  readonly balance: Value;
  /** Share of the (token, slot) pairs sent to each expert [E], over the tokens of the mask. */
  readonly load: Value;
}

/** What an adapter may read while a layer is built. */
export interface LayerInputs {
  readonly graph: Graph;
  readonly layer: number;
  /** Profile vectors [B, D]; undefined where the adapter is given none. */
  readonly profile: Value | undefined;
  /** 1 for tokens, 0 for padding [B, T]. */
  readonly tokenMask: Value;
  /** A parameter, by its name without "model.layers.{i}.". */
  parameter(name: string, shape: Shape): Value;
  /** What a site reads, after dropout: x itself outside of training. */
  dropout(x: Value, site: LinearSite): Value;
}

/** An adapter at work inside one layer. */
export interface LayerAdapter {
  /** What is added to the frozen output of a site: x [B, T, in] -> [B, T, out]. */
  delta(x: Value, site: LinearSite): Value;
  /** The routers that the calls of `delta` have made so far. */
  readonly routers: readonly RouterOutput[];
}

/** An adapter fitted to a model: a method with its configuration, and the sites it changes. */
export interface Adapter {
  readonly method: string;
  readonly sites: readonly LinearSite[];
  readonly parameters: readonly ParameterSpec[];
  /** Width D of the profile vectors it takes; 0 if it takes none. */
  readonly profileWidth: number;
  /** Probability of dropout at the sites' inputs during training. */
  readonly dropout: number;
  readonly hasRouters: boolean;
  layer(inputs: LayerInputs): LayerAdapter;
}

/** What a method must know about the model it is fitted to. */
export interface AdapterTarget {
  readonly sites: readonly LinearSite[];
  /** All base parameters by name, for methods that train them. */
  readonly baseShapes: ReadonlyMap<string, readonly number[]>;
  readonly profileWidth: number;
}

/** A parameter-efficient fine-tuning method: one file in `adapters/`, one row in its table. */
export interface AdapterMethod<Config> {
  readonly name: string;
  readonly configSchema: z.ZodType<Config>;
  /** @throws CumaError where the configuration does not fit the model. */
  fit(config: Config, target: AdapterTarget): Adapter;
  /** The adapter's files: tensors by the names of the method's published format. */
  toTensors(adapter: Adapter, parameters: Readonly<Record<string, HostTensor>>): Record<string, HostTensor>;
}
