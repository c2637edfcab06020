import * as z from "zod";
import { checkForeignKeys, CumaError, show, type ForeignKeys } from "../../util/index.ts";
import type { DecoderConfig } from "../decoderConfig.ts";
import { harmlessKeys, MAX_LAYERS, neutralDecoderKeys } from "./keys.ts";
import { ropeConfig } from "./rope.ts";

/** A family of decoders: how its config.json is read. One file each, one row in `index.ts`. */
export interface DecoderFamily {
  /** @throws ZodError naming the key, or CumaError for what is not supported. */
  parse(json: unknown): Omit<DecoderConfig, "modelType">;
}

const size = z.int().positive();
const commonShape = {
  model_type: z.string(),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size.max(MAX_LAYERS),
  num_attention_heads: size,
  num_key_value_heads: size.nullable(),
  head_dim: size.nullish(),
  hidden_act: z.string(),
  max_position_embeddings: size,
  rms_norm_eps: z.number().positive(),
  tie_word_embeddings: z.boolean(),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: z.looseObject({}).nullish(),
  rope_parameters: z.looseObject({}).nullish(),
  partial_rotary_factor: z.number().nullish(),
  layer_types: z.array(z.string()).nullish(),
  sliding_window: size.nullish(),
  use_sliding_window: z.boolean().nullish(),
  max_window_layers: z.int().nonnegative().default(28),
};

/** Keys that all families share. Both spellings in use are read: `rope_theta` + `rope_scaling`, and `rope_parameters`. */
const commonSchema = z.looseObject(commonShape);

export type CommonConfig = z.infer<typeof commonSchema>;

/** What a key means that config.json does not have: the default of the family's class in transformers. */
export interface FamilyDefaults {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  /** null: as many as there are heads. That is also what null in config.json means. */
  readonly num_key_value_heads: number | null;
  readonly max_position_embeddings: number;
  readonly tie_word_embeddings: boolean;
  readonly rope_theta: number;
  /** null: none. That is also what null in config.json means. */
  readonly sliding_window: number | null;
}

/**
 * The part of a configuration that is read the same way in every family. transformers 4 and 5 have the same defaults; where
 * they read a file differently, it is refused.
 * @param own Keys that the family reads besides, and values that its class has fixed.
 * @throws CumaError for a key that may change numbers and is not supported.
 */
export function readCommon(
  json: unknown,
  { rope_theta: ropeTheta, ...defaults }: FamilyDefaults,
  own: { readonly read?: readonly string[]; readonly neutral?: ForeignKeys["neutral"] } = {},
): { config: CommonConfig; common: Omit<DecoderConfig, "modelType"> } {
  const found = z.looseObject({}).parse(json);
  const config = commonSchema.parse({ hidden_act: "silu", rms_norm_eps: 1e-6, ...defaults, ...found });
  checkForeignKeys(found, {
    read: [...Object.keys(commonShape), ...(own.read ?? [])],
    harmless: harmlessKeys,
    neutral: { ...neutralDecoderKeys, ...own.neutral },
  });
  if (config.hidden_act !== "silu") {
    throw new CumaError(`hidden_act ${show(config.hidden_act)} is not supported; expected "silu"`);
  }
  const numHeads = config.num_attention_heads;
  const common = {
    vocabSize: config.vocab_size,
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    numLayers: config.num_hidden_layers,
    numHeads,
    numKvHeads: config.num_key_value_heads ?? numHeads,
    headDim: config.head_dim ?? Math.floor(config.hidden_size / numHeads),
    rmsNormEps: config.rms_norm_eps,
    tieWordEmbeddings: config.tie_word_embeddings,
    maxPositions: config.max_position_embeddings,
    rope: ropeConfig(config, ropeTheta),
    bias: { qkv: config.attention_bias, o: config.attention_bias, mlp: config.mlp_bias },
    qkNorm: false,
    noRopeLayers: new Set<number>(),
    slidingWindow: null,
  };
  return { config, common };
}

/**
 * Whether any layer has a sliding window by `layer_types`; undefined where the file says nothing of its layers. Which layers
 * do makes no difference: a text that is longer than the window is refused, and any other is read the same without it.
 * @throws CumaError for other kinds of attention, and for a window of no width.
 */
export function anyWindowed(config: CommonConfig): boolean | undefined {
  const { layer_types: types, num_hidden_layers: layers, sliding_window: window } = config;
  if (types == null) return undefined;
  const other = types.find((type) => type !== "full_attention" && type !== "sliding_attention");
  if (other !== undefined) {
    throw new CumaError(
      `layer_types: ${show(other)} is not supported; expected "full_attention" or "sliding_attention"`,
    );
  }
  if (types.length !== layers)
    throw new CumaError(`expected layer_types to have ${layers} entries, found ${types.length}`);
  const windowed = types.includes("sliding_attention");
  if (windowed && window == null)
    throw new CumaError(`layer_types has "sliding_attention", but sliding_window is none`);
  return windowed;
}
