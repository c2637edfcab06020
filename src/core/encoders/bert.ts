import { join } from "node:path";
import { z } from "zod";
import type { Engine, Executable } from "../engine/index.ts";
import {
  floats,
  Graph,
  intTensor,
  program,
  type Dim,
  type Feeds,
  type HostTensor,
  type Value,
} from "../graph/index.ts";
import { readJson } from "../io/index.ts";
import {
  add,
  div,
  erf,
  matmul,
  mul,
  reduceSum,
  relu,
  reshape,
  softmax,
  sqrt,
  sub,
  tanh,
  transpose,
} from "../ops/index.ts";
import { checkFileKeys, checkJson } from "../util/index.ts";
import { harmlessKeys, MAX_LAYERS, neutralKeys } from "../decoder/families/keys.ts";
import { embedTokens } from "../decoder/forward.ts";
import { folderFiles } from "../checkpoint/modelFiles.ts";
import { WeightFiles } from "../checkpoint/weightFiles.ts";
import { loadWeights } from "../checkpoint/weights.ts";

/** Attention score of padding: its weight is exactly 0 after the softmax. */
const BLOCKED = -1e9;
const MAX_CONFIG_BYTES = 20_000_000;

const size = z.int().positive();
const activations = ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu"] as const;
const keys = {
  model_type: z.literal("bert"),
  vocab_size: size.default(30_522),
  hidden_size: size.default(768),
  num_hidden_layers: size.max(MAX_LAYERS).default(12),
  num_attention_heads: size.default(12),
  intermediate_size: size.default(3072),
  hidden_act: z.enum(activations).default("gelu"),
  layer_norm_eps: z.number().positive().default(1e-12),
  max_position_embeddings: size.default(512),
  type_vocab_size: size.default(2),
};
const configSchema = z
  .looseObject(keys)
  .refine((config) => config.hidden_size % config.num_attention_heads === 0, {
    path: ["hidden_size"],
    message: "expected a multiple of num_attention_heads",
  })
  .transform((config) => ({
    vocabSize: config.vocab_size,
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    numLayers: config.num_hidden_layers,
    numHeads: config.num_attention_heads,
    activation: config.hidden_act,
    layerNormEps: config.layer_norm_eps,
    maxPositions: config.max_position_embeddings,
    typeVocabSize: config.type_vocab_size,
  }));

/** A BERT encoder. Sizes in units; what a file does not say is the default of transformers' BertConfig. */
export type BertConfig = Readonly<z.infer<typeof configSchema>>;

/** Reads a BERT's config.json. @throws CumaError naming the file and the key, what was expected and what was found. */
export function parseBertConfig(json: unknown, file: string): BertConfig {
  const config = checkJson(file, json, configSchema);
  checkFileKeys(file, json as object, {
    read: Object.keys(keys),
    harmless: { ...harmlessKeys, "ties a head that is not read": ["tie_word_embeddings"] },
    neutral: { ...neutralKeys, position_embedding_type: ["absolute"], is_decoder: [false] },
  });
  return config;
}

/** Names and shapes of the parameters that the last hidden states depend on; the pooler is not one of them. */
export function bertShapes(config: BertConfig): Map<string, readonly number[]> {
  const { hiddenSize: H } = config;
  return new Map<string, readonly number[]>([
    ["embeddings.word_embeddings.weight", [config.vocabSize, H]],
    ["embeddings.position_embeddings.weight", [config.maxPositions, H]],
    ["embeddings.token_type_embeddings.weight", [config.typeVocabSize, H]],
    ["embeddings.LayerNorm.weight", [H]],
    ["embeddings.LayerNorm.bias", [H]],
    ...Array.from({ length: config.numLayers }, (_, layer) =>
      [...layerShapes(config)].map(([name, shape]) => [layerPrefix(layer) + name, shape] as const),
    ).flat(),
  ]);
}

function layerPrefix(layer: number): string {
  return `encoder.layer.${layer}.`;
}

function layerShapes({ hiddenSize: H, intermediateSize: I }: BertConfig): Map<string, readonly number[]> {
  const linear: [string, number, number][] = [
    ["attention.self.query", H, H],
    ["attention.self.key", H, H],
    ["attention.self.value", H, H],
    ["attention.output.dense", H, H],
    ["intermediate.dense", I, H],
    ["output.dense", H, I],
  ];
  const norms = ["attention.output.LayerNorm", "output.LayerNorm"];
  return new Map<string, readonly number[]>([
    ...linear.flatMap(([name, out, from]): [string, readonly number[]][] => [
      [`${name}.weight`, [out, from]],
      [`${name}.bias`, [out]],
    ]),
    ...norms.flatMap((name): [string, readonly number[]][] => [
      [`${name}.weight`, [H]],
      [`${name}.bias`, [H]],
    ]),
  ]);
}

/** (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis, of size `width`. */
export function layerNorm(x: Value, weight: Value, bias: Value, epsilon: number, width: number): Value {
  const centred = sub(x, mul(reduceSum(x, [-1], true), 1 / width));
  const variance = mul(reduceSum(mul(centred, centred), [-1], true), 1 / width);
  return add(mul(div(centred, sqrt(add(variance, epsilon))), weight), bias);
}

/** The Gaussian error linear unit x Phi(x): by the error function, or by its tanh approximation. */
export function gelu(x: Value, approximate: boolean): Value {
  const inner = approximate
    ? tanh(mul(add(x, mul(mul(x, mul(x, x)), 0.044715)), Math.sqrt(2 / Math.PI)))
    : erf(mul(x, Math.SQRT1_2));
  return mul(mul(x, 0.5), add(inner, 1));
}

/** One post-norm layer: x [B, T, H] and attentionBias [B, 1, 1, T] -> [B, T, H]. */
function bertLayer(config: BertConfig, x: Value, attentionBias: Value): Value {
  const { hiddenSize: H, numHeads, activation } = config;
  const [B, T] = x.shape as [Dim, Dim];
  const d = H / numHeads;
  const shapes = layerShapes(config);
  const weight = (name: string): Value => x.graph.input(name, "float", shapes.get(name)!);
  const linear = (input: Value, name: string): Value =>
    add(matmul(input, weight(`${name}.weight`), { transB: true }), weight(`${name}.bias`));
  const norm = (input: Value, name: string): Value =>
    layerNorm(input, weight(`${name}.weight`), weight(`${name}.bias`), config.layerNormEps, H);
  const heads = (name: string): Value => transpose(reshape(linear(x, name), [B, T, numHeads, d]), [0, 2, 1, 3]);

  const scores = matmul(heads("attention.self.query"), heads("attention.self.key"), { transB: true, alpha: d ** -0.5 });
  const mixed = matmul(softmax(add(scores, attentionBias)), heads("attention.self.value")); // [B, h, T, d]
  const attended = reshape(transpose(mixed, [0, 2, 1, 3]), [B, T, H]);
  const middle = norm(add(linear(attended, "attention.output.dense"), x), "attention.output.LayerNorm");
  const inner = linear(middle, "intermediate.dense");
  const active = activation === "relu" ? relu(inner) : gelu(inner, activation !== "gelu");
  return norm(add(linear(active, "output.dense"), middle), "output.LayerNorm");
}

/** With the model's tensors, and as they were compiled. */
interface Programs {
  readonly embed: Executable;
  readonly layers: readonly Executable[];
  readonly compiled: readonly Executable[];
}

/** Runs a BERT encoder forward; its layers share one compiled program. */
export class Bert {
  readonly config: BertConfig;
  private readonly engine: Engine;
  private readonly weights: ReadonlyMap<string, HostTensor>;
  private programs: Promise<Programs> | undefined;

  /** @param weights By the names of `bertShapes`. */
  constructor(engine: Engine, config: BertConfig, weights: ReadonlyMap<string, HostTensor>) {
    this.engine = engine;
    this.config = config;
    this.weights = weights;
  }

  /**
   * Last hidden states [B, T, H] of B texts' token ids, T of them in the longest; shorter texts are padded on the
   * right, and what stands at their padding means nothing.
   */
  async forward(texts: readonly (readonly number[])[]): Promise<HostTensor> {
    const { embed, layers } = await (this.programs ??= this.compile());
    const B = texts.length;
    const T = Math.max(...texts.map((ids) => ids.length));
    const { precision } = this.engine;
    const attentionBias = { shape: [B, 1, 1, T], data: floats(precision, B * T) };
    const ids = new Int32Array(B * T);
    for (const [b, text] of texts.entries()) {
      ids.set(text, b * T);
      attentionBias.data.fill(BLOCKED, b * T + text.length, (b + 1) * T);
    }
    const table = this.weights.get("embeddings.word_embeddings.weight")!;
    const words = embedTokens(table, intTensor([B, T], ids), floats(precision, B * T * this.config.hiddenSize));
    let { x } = (await embed.run({ words, positions: this.positions(T) })) as {
      x: HostTensor;
    };
    for (const layer of layers) x = (await layer.run({ x, attentionBias }))["y"]!;
    return x;
  }

  async dispose(): Promise<void> {
    const programs = await this.programs;
    this.programs = undefined;
    if (!programs) return;
    for (const executable of [programs.embed, ...programs.layers, ...programs.compiled]) await executable.dispose();
  }

  /** Position embeddings of the first T tokens plus the embedding of the first token type: [T, H]. */
  private positions(T: number): HostTensor {
    const H = this.config.hiddenSize;
    const type = this.weights.get("embeddings.token_type_embeddings.weight")!.data;
    const position = this.weights.get("embeddings.position_embeddings.weight")!.data;
    const data = floats(this.engine.precision, T * H).map((_, i) => position[i]! + type[i % H]!);
    return { shape: [T, H], data };
  }

  private async compile(): Promise<Programs> {
    const { hiddenSize: H, layerNormEps, numLayers } = this.config;
    const first = new Graph();
    const norm = (name: string): Value => first.input(`embeddings.LayerNorm.${name}`, "float", [H]);
    const summed = add(first.input("words", "float", ["B", "T", H]), first.input("positions", "float", ["T", H]));
    const x = layerNorm(summed, norm("weight"), norm("bias"), layerNormEps, H);
    const graph = new Graph();
    const y = bertLayer(
      this.config,
      graph.input("x", "float", ["B", "T", H]),
      graph.input("attentionBias", "float", ["B", 1, 1, "T"]),
    );
    const [embed, layer] = [await this.engine.compile(program({ x })), await this.engine.compile(program({ y }))];
    const names = [...layerShapes(this.config).keys()];
    const tensors = (at: number): Feeds =>
      Object.fromEntries(names.map((name) => [name, this.weights.get(layerPrefix(at) + name)!]));
    return {
      embed: embed.bind(Object.fromEntries(this.weights)),
      layers: Array.from({ length: numLayers }, (_, at) => layer.bind(tensors(at))),
      compiled: [embed, layer],
    };
  }
}

/**
 * Reads a BERT from a model folder; checkpoints with a head, whose names begin with "bert.", are read too.
 * @throws CumaError naming the file and the key or tensor that is wrong.
 */
export function loadBert(folder: string, engine: Engine): Bert {
  const file = join(folder, "config.json");
  const config = parseBertConfig(readJson(file, MAX_CONFIG_BYTES), file);
  const shapes = bertShapes(config);
  const files = folderFiles(folder);
  const stored = new WeightFiles(files);
  const prefix = stored.has("bert.embeddings.word_embeddings.weight") ? "bert." : "";
  stored.close();
  const weights = loadWeights(files, new Map([...shapes].map(([name, shape]) => [prefix + name, shape])));
  return new Bert(engine, config, new Map([...weights].map(([name, value]) => [name.slice(prefix.length), value])));
}
