import * as z from "zod";
import type { Feeds, Graph, HostTensor, Shape, Value } from "../graph/index.ts";
import type { Rng } from "../util/index.ts";
import type { LinearSite } from "./decoderConfig.ts";

/** A tensor that training changes. */
export interface ParameterSpec {
  /** Its name in the graph; inside a layer it begins with "model.layers.{i}.". */
  readonly name: string;
  readonly shape: readonly number[];
  /** What it belongs to, for counting: "experts", "router", "lora". */
  readonly part: string;
  /** The layer that it is in; null for what all layers share. */
  readonly layer: number | null;
  /** Whether weight decay applies (it does not to biases and norms). */
  readonly decay: boolean;
  /**
   * Fills a fresh tensor of this shape.
   * @param rng A stream of its own.
   * @param base Gives the base's tensors by name.
   */
  init(data: Float32Array, rng: Rng, base: (name: string) => HostTensor): void;
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
  /** The frozen matrix of a site [out, in]. */
  weight(site: LinearSite): Value;
  /** What a site reads, after dropout: x itself outside of training. */
  dropout(x: Value, site: LinearSite): Value;
}

/** A loss of an adapter's own beside the objective, such as load balancing: a scalar, which the run file scales by its name. */
export interface NamedLoss {
  readonly name: string;
  readonly value: Value;
}

/** An adapter at work inside one layer. B rows, T tokens. */
export interface LayerAdapter {
  /** The adapted output of a site [B, T, out]: from the frozen one y [B, T, out] and what the site reads, x [B, T, in]. */
  apply(y: Value, x: Value, site: LinearSite): Value;
  /** The losses that the calls of `apply` have made so far; a name may come several times. */
  readonly losses: readonly NamedLoss[];
  /**
   * What the calls of `apply` let be seen, by a name inside the layer. Its shape says what a value is of: [B, T, ...] of every
   * token, given in inference; [B, ...] of every row, and any other of the whole batch, given in training.
   */
  readonly observed: Readonly<Record<string, Value>>;
}

/** Values that an adapter let be seen during a step, by name: "model.layers.0.self_attn.router.load". */
export interface Observed {
  /** [B, ...] of the rows of all micro-batches, one behind the other. */
  readonly rows: Feeds;
  /** Means over the micro-batches, by their tokens. */
  readonly batch: Feeds;
}

/** Numbers for a line of log.jsonl, by name. */
export type Logged = Readonly<Record<string, number | null | readonly number[]>>;

/** Follows a run by what its adapter lets be seen. */
export interface Monitor {
  /**
   * @param step Counted from 1.
   * @param profiles Index of the profile of each row.
   * @returns What the log says of the step, and what may be amiss.
   */
  see(step: number, observed: Observed, profiles: readonly number[]): { logged: Logged; warnings: readonly string[] };
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
  layer(inputs: LayerInputs): LayerAdapter;
  /** Makes what follows a run from its start; without it nothing of the adapter is logged. */
  monitor?(): Monitor;
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
  /** Values of `peft_type` that its folders have, for messages. */
  readonly peftTypes: readonly string[];
  /** Whether an adapter_config.json is one of this method. */
  reads(json: unknown): boolean;
  /** Whether adapters of this configuration take profile vectors. */
  takesProfiles(config: unknown): boolean;
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
  takesProfiles(config: Config): boolean;
  fit(config: Config, target: AdapterTarget): Adapter;
}): AdapterMethod {
  const { name, configSchema, peftTypes } = parts;
  const folder = z.object({ peft_type: z.enum(peftTypes) });
  return {
    name,
    configSchema,
    peftTypes,
    reads: (json) => folder.safeParse(json).success,
    takesProfiles: (config) => parts.takesProfiles(configSchema.parse(config)),
    fit: (config, target) => parts.fit(configSchema.parse(config), target),
    fitFolder: (json, target) => parts.fit(parts.parseFolderConfig(json), target),
  };
}
