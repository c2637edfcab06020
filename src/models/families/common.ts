import { z } from "zod";
import { CumaError } from "../../util/index.ts";
import type { DecoderConfig, RopeConfig } from "../types.ts";

/** A family of decoders: how its config.json is read. One file each, one row in `index.ts`. */
export interface DecoderFamily {
  /** @throws ZodError naming the key, or CumaError for what is not supported. */
  parse(json: unknown): Omit<DecoderConfig, "modelType">;
}

const size = z.int().positive();

/** Keys that all families share. Both spellings in use are read: `rope_theta` + `rope_scaling`, and `rope_parameters`. */
export const commonSchema = z.looseObject({
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  hidden_act: z.string().default("silu"),
  max_position_embeddings: size,
  rms_norm_eps: z.number().positive(),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: z.looseObject({}).nullish(),
  rope_parameters: z.looseObject({}).nullish(),
  partial_rotary_factor: z.number().nullish(),
  sliding_window: size.nullish(),
  use_sliding_window: z.boolean().nullish(),
  quantization_config: z.unknown().optional(),
});

export type CommonConfig = z.infer<typeof commonSchema>;

/** The part of a configuration that is read the same way in every family. `ropeTheta` is the family's default. */
export function commonConfig(config: CommonConfig, ropeTheta: number): Omit<DecoderConfig, "modelType"> {
  if (config.hidden_act !== "silu")
    throw new CumaError(`hidden_act "${config.hidden_act}" is not supported; expected "silu"`);
  if (config.quantization_config !== undefined && config.quantization_config !== null) {
    throw new CumaError("quantization_config is not supported; expected unquantised weights (F32, F16 or BF16)");
  }
  const numHeads = config.num_attention_heads;
  return {
    vocabSize: config.vocab_size,
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    numLayers: config.num_hidden_layers,
    numHeads,
    numKvHeads: config.num_key_value_heads ?? numHeads,
    headDim: config.head_dim ?? config.hidden_size / numHeads,
    rmsNormEps: config.rms_norm_eps,
    tieWordEmbeddings: config.tie_word_embeddings,
    maxPositions: config.max_position_embeddings,
    rope: ropeConfig(config, ropeTheta),
    bias: { qkv: config.attention_bias, o: config.attention_bias, mlp: config.mlp_bias },
    qkNorm: false,
    noRopeLayers: new Set(),
    slidingWindow: null,
  };
}

const ropeSchema = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: z.number().positive().optional(),
  partial_rotary_factor: z.number().optional(),
});

const llama3Schema = z.looseObject({
  factor: z.number().positive(),
  low_freq_factor: z.number().positive(),
  high_freq_factor: z.number().positive(),
  original_max_position_embeddings: z.number().positive(),
});

function ropeConfig(config: CommonConfig, defaultTheta: number): RopeConfig {
  const key = config.rope_parameters ? "rope_parameters" : "rope_scaling";
  const spec = ropeSchema.parse(config[key] ?? {});
  const theta = spec.rope_theta ?? config.rope_theta ?? defaultTheta;
  const rotated = spec.partial_rotary_factor ?? config.partial_rotary_factor ?? 1;
  if (rotated !== 1) throw new CumaError(`partial_rotary_factor ${rotated} is not supported; expected 1`);
  const type = spec.rope_type ?? spec.type ?? "default";
  if (type === "default") return { theta, llama3: null };
  if (type !== "llama3") throw new CumaError(`rope_type "${type}" is not supported; expected "default" or "llama3"`);
  const parsed = z.object({ [key]: llama3Schema }).parse({ [key]: spec })[key]!;
  return {
    theta,
    llama3: {
      factor: parsed.factor,
      lowFreqFactor: parsed.low_freq_factor,
      highFreqFactor: parsed.high_freq_factor,
      originalMaxPositions: parsed.original_max_position_embeddings,
    },
  };
}
