import type { z } from "zod";
import type { Feeds, Graph, HostTensor, Shape, Value } from "../graph/index.ts";
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

/** The experts chosen for each token [B, T, K], and their weights. */
export interface TopExperts {
  readonly index: Value;
  readonly weights: Value;
}

/** Routing of one router in one layer. B rows, T tokens, E experts; averages are over the tokens of the mask. */
export interface RouterOutput {
  /** Its name inside the layer: "self_attn.router", or that of one site's own: "mlp.down_proj.router". */
  readonly name: string;
  /** Weights of the experts [B, T, E]; 0 for those not chosen. */
  readonly gates: Value;
  /** Null where all experts take part. */
  readonly top: TopExperts | null;
  /** Load-balancing loss, a scalar: E * sum_e f_e p_e. */
  readonly balance: Value;
  /** Share of the (token, slot) pairs sent to each expert [E]. */
  readonly load: Value;
  /** Mean gates of each row [B, E]. */
  readonly rowGates: Value;
  /** Mean of the largest gate, a scalar. */
  readonly gateMax: Value;
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
  /** What adapter_config.json says of it. */
  readonly folderConfig: Readonly<Record<string, unknown>>;
  /** Its tensors as the method's published format names and shapes them. */
  toTensors(parameters: Feeds): Record<string, HostTensor>;
  /** Its parameters from the tensors of that format; the inverse of `toTensors`. */
  fromTensors(tensors: TensorReader): Record<string, HostTensor>;
}

/** The tensors of an adapter file. */
export interface TensorReader {
  /** @throws CumaError naming the file and the tensor, where it is missing or has another shape. */
  readonly read: (name: string, shape: readonly number[]) => HostTensor;
}

/** What a method must know about the model it is fitted to. */
export interface AdapterTarget {
  readonly sites: readonly LinearSite[];
  /** All base parameters by name, for methods that train them. */
  readonly baseShapes: ReadonlyMap<string, readonly number[]>;
  /** Width of the profile vectors; 0 where there are none. */
  readonly profileWidth: number;
}

/** A parameter-efficient fine-tuning method: one file in `adapters/`, one row in its table. */
export interface AdapterMethod {
  readonly name: string;
  /** Its part of a run file. */
  readonly configSchema: z.ZodType;
  /** Values of `peft_type` in adapter_config.json that mean this method. */
  readonly peftTypes: readonly string[];
  /** @throws ZodError for what is not its configuration, CumaError where that does not fit the model. */
  fit(config: unknown, target: AdapterTarget): Adapter;
  /** The same by an adapter_config.json, ours or that of the software the format comes from. */
  fitFolder(json: unknown, target: AdapterTarget): Adapter;
}

/** Makes a method out of its parts, with configurations of one type between them. */
export function adapterMethod<Config>(parts: {
  readonly name: string;
  readonly configSchema: z.ZodType<Config>;
  readonly peftTypes: readonly string[];
  parseFolderConfig(json: unknown): Config;
  fit(config: Config, target: AdapterTarget): Adapter;
}): AdapterMethod {
  const { name, configSchema, peftTypes } = parts;
  return {
    name,
    configSchema,
    peftTypes,
    fit: (config, target) => parts.fit(configSchema.parse(config), target),
    fitFolder: (json, target) => parts.fit(parts.parseFolderConfig(json), target),
  };
}
