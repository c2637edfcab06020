import { describe, expect, it, test } from "vitest";
import { parseBertConfig } from "../../src/core/encoders/bert.ts";
import { parseConfig } from "../../src/core/decoder/index.ts";
import { goldenJson } from "../support/golden.ts";

interface Resolved {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly max_position_embeddings: number;
  readonly rms_norm_eps: number;
  readonly tie_word_embeddings: boolean;
  readonly rope: Readonly<Record<string, number | string>>;
  readonly attention_bias: boolean;
  readonly mlp_bias: boolean;
  readonly sliding_window: number | null;
  readonly no_rope_layers: readonly number[] | null;
}

interface Case {
  readonly case: string;
  readonly config: Readonly<Record<string, unknown>> & { readonly model_type: string };
  readonly resolved: (Resolved & Readonly<Record<string, unknown>>) | null;
}

const cases = (major: number): Case[] =>
  (goldenJson(`configs/transformers-${major}.json`) as { readonly cases: Case[] }).cases;

/** What transformers has read, as ours has it. */
function decoder(family: string, found: Resolved) {
  const { rope } = found;
  return {
    modelType: family,
    vocabSize: found.vocab_size,
    hiddenSize: found.hidden_size,
    intermediateSize: found.intermediate_size,
    numLayers: found.num_hidden_layers,
    numHeads: found.num_attention_heads,
    numKvHeads: found.num_key_value_heads,
    headDim: found.head_dim,
    rmsNormEps: found.rms_norm_eps,
    tieWordEmbeddings: found.tie_word_embeddings,
    maxPositions: found.max_position_embeddings,
    rope: {
      theta: rope["rope_theta"],
      llama3:
        rope["rope_type"] === "llama3"
          ? {
              factor: rope["factor"],
              lowFreqFactor: rope["low_freq_factor"],
              highFreqFactor: rope["high_freq_factor"],
              originalMaxPositions: rope["original_max_position_embeddings"],
            }
          : null,
    },
    // Qwen2's biases on q, k and v are no setting.
    bias: { qkv: family === "qwen2" || found.attention_bias, o: found.attention_bias, mlp: found.mlp_bias },
    qkNorm: family === "qwen3",
    noRopeLayers: new Set((found.no_rope_layers ?? []).flatMap((flag, i) => (flag === 0 ? [i] : []))),
    slidingWindow: found.sliding_window,
  };
}

describe("config.json as transformers 5 reads it", () => {
  it.each(cases(5).map((c) => [c.case, c] as const))("%s", (_, { config, resolved }) => {
    if (config.model_type === "bert") {
      expect(parseBertConfig(config, "config.json")).toMatchObject({
        vocabSize: resolved!["vocab_size"],
        hiddenSize: resolved!["hidden_size"],
        intermediateSize: resolved!["intermediate_size"],
        numLayers: resolved!["num_hidden_layers"],
        numHeads: resolved!["num_attention_heads"],
        activation: resolved!["hidden_act"],
        layerNormEps: resolved!["layer_norm_eps"],
        maxPositions: resolved!["max_position_embeddings"],
        typeVocabSize: resolved!["type_vocab_size"],
      });
    } else if (resolved === null) {
      // Version 4 reads this one, and so do we: as many as there are heads.
      expect(parseConfig(config, "config.json").numKvHeads).toBe(config["num_attention_heads"]);
    } else {
      const expected = decoder(config.model_type, resolved);
      // A window that Llama's class does not know is heeded all the same: other software does.
      if (config.model_type === "llama")
        expected.slidingWindow = (config["sliding_window"] as number | undefined) ?? null;
      expect(parseConfig(config, "config.json")).toEqual(expected);
    }
  });

  test("version 4 reads the same, where it reads anything", () => {
    const otherwise = cases(4).filter(({ resolved }) => resolved !== null);
    expect(otherwise.map((c) => c.case)).toEqual([
      "mistral, num_key_value_heads null",
      // Its config class does not look; its model then fails.
      "mistral, scaled, without the original length",
    ]);
  });
});

describe("keys of config.json", () => {
  const parse = (keys: object) => () => parseConfig({ model_type: "llama", ...keys }, "config.json");

  it.each([
    ["rope_scaling", { type: "dynamic", factor: 2 }, 'rope_type "dynamic" is not supported'],
    ["rope_scaling", { rope_type: "yarn", factor: 2 }, 'rope_type "yarn" is not supported'],
    ["rope_scaling", { rope_type: "default", mrope_section: [1, 2] }, '"mrope_section": [1,2] is not known here'],
    ["partial_rotary_factor", 0.5, "partial_rotary_factor 0.5 is not supported"],
    ["rope_parameters", { rope_theta: 1e4, partial_rotary_factor: 0.25 }, "partial_rotary_factor 0.25"],
    ["attention_multiplier", 0.01, '"attention_multiplier": 0.01 is not known here'],
    ["logits_scaling", 8, '"logits_scaling": 8 is not supported; expected 1'],
    ["residual_multiplier", 0.2, '"residual_multiplier": 0.2 is not supported; expected 1'],
    ["final_logit_softcapping", 30, '"final_logit_softcapping": 30 is not known here'],
    ["quantization_config", { quant_method: "gptq", bits: 4 }, '"quantization_config": {"quant_method":"gptq"'],
    ["quantization", { bits: 4, group_size: 64 }, '"quantization": {"bits":4,"group_size":64} is not supported'],
    ["auto_map", { AutoModel: "modeling.Model" }, '"auto_map": {"AutoModel":"modeling.Model"} is not supported'],
    ["is_causal", false, '"is_causal": false is not supported; expected true'],
    ["hidden_act", "gelu", 'hidden_act "gelu" is not supported'],
    ["layer_types", ["linear_attention"], 'layer_types: "linear_attention" is not supported'],
    ["use_qk_norm", true, '"use_qk_norm": true is not known here'],
    ["rope_interleaved", true, '"rope_interleaved": true is not supported; expected false'],
    ["num_hidden_layers", 1_000_000, '"num_hidden_layers": '],
  ])("%s: %j is refused", (key, value, says) => {
    expect(parse({ [key]: value })).toThrow(says);
  });

  it.each([
    ["biases of a mistral", { model_type: "mistral", attention_bias: true }, '"attention_bias": true'],
    ["biases of a qwen2's mlp", { model_type: "qwen2", mlp_bias: true }, '"mlp_bias": true is not supported'],
  ])("%s", (_, keys, says) => {
    expect(parse(keys)).toThrow(says);
  });

  it.each([
    ["what describes the file", { _name_or_path: "x/y", architectures: ["LlamaForCausalLM"], unsloth_fixed: true }],
    ["settings of training", { attention_dropout: 0.1, initializer_range: 0.1 }],
    ["settings of drawing", { temperature: 0.6, max_length: 4096, do_sample: true }],
    ["what is switched off", { quantization_config: null, auto_map: {}, use_qk_norm: false, clip_qkv: null }],
    ["what splits sums only", { pretraining_tp: 2 }],
    ["a scaling of the plain kind", { rope_scaling: { type: "default", factor: 8 } }],
  ])("%s makes no difference", (_, keys) => {
    expect(parse(keys)()).toEqual(parse({})());
  });

  test("two that contradict each other are refused", () => {
    const llama3 = { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
    const scaling = { ...llama3, original_max_position_embeddings: 32 };
    expect(parse({ rope_theta: 1e4, rope_parameters: { rope_theta: 5e5 } })).toThrow(
      "rope_theta is 10000, and 500000 in rope_parameters; expected the same",
    );
    expect(parse({ rope_scaling: scaling, rope_parameters: { rope_type: "default" } })).toThrow("differ");
    expect(parse({ rope_scaling: scaling, rope_parameters: scaling })().rope.llama3).toMatchObject({ factor: 8 });
  });
});
