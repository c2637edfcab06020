import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, test } from "vitest";
import { loadAdapter } from "../../adapters/index.ts";
import { readJson } from "../../src/core/io/index.ts";
import { parseConfig } from "../../src/core/decoder/index.ts";
import { golden } from "../support/golden.ts";

// What adapter_config.json may say. The folder itself is PEFT's own, and read right (families.test.ts).

const folder = golden("peft-lora/plain");
const configFile = golden("families/llama-untied-default-f32/config.json");
const base = parseConfig(readJson(configFile), configFile);
const root = mkdtempSync(join(tmpdir(), "cuma-adapter-"));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

let made = 0;
/** Reads a copy of the folder in which keys are set, or taken away where they are undefined. */
const load = (keys: object) => () => {
  const copy = join(root, String(++made));
  cpSync(folder, copy, { recursive: true });
  const path = join(copy, "adapter_config.json");
  const json = JSON.parse(readFileSync(path, "utf8")) as object;
  writeFileSync(path, JSON.stringify({ ...json, ...keys }));
  return loadAdapter(copy, base);
};
const plain = load({})();

describe("PEFT's adapter_config.json", () => {
  it.each([
    ["init_lora_weights", "pissa_niter_16"],
    ["init_lora_weights", "olora"],
    ["init_lora_weights", "corda"],
    ["init_lora_weights", "loftq"],
    ["init_lora_weights", "lora_ga"],
    ["init_lora_weights", "of a later version"],
    ["layers_to_transform", 0],
    ["layers_to_transform", [0, 1]],
    ["rank_pattern", { "layers.0.self_attn.q_proj": 2 }],
    ["alpha_pattern", { q_proj: 2 }],
    ["modules_to_save", ["lm_head"]],
    ["exclude_modules", "v_proj"],
    ["exclude_modules", ["v_proj"]],
    ["target_parameters", ["mlp.experts"]],
    ["trainable_token_indices", [1, 2]],
    ["trainable_token_indices", { embed_tokens: [1] }],
    ["layer_replication", [[0, 2]]],
    ["alora_invocation_tokens", [3]],
    ["fan_in_fan_out", true],
    ["bias", "lora_only"],
    ["bias", "all"],
    ["lora_bias", true],
    ["use_dora", true],
    ["use_qalora", true],
    ["use_bdlora", { nblocks: 2 }],
    ["arrow_config", { top_k: 2 }],
    ["kasa_config", { beta: 1 }],
    ["monteclora_config", { num_samples: 2 }],
    ["megatron_config", { tensor_model_parallel_size: 2 }],
    ["ensure_weight_tying", true],
    ["enable_lora", [true, false]],
    ["scale_of_a_later_version", 2],
    ["use_something_later", true],
    ["something_config", { a: 1 }],
  ])("%s: %j is refused by name", (key, value) => {
    expect(load({ [key]: value })).toThrow(`"${key}": `);
  });

  it.each([
    { lora_dropout: 0.3, inference_mode: false, task_type: null, revision: "main" },
    { auto_mapping: { base_model_class: "LlamaForCausalLM" }, peft_version: "0.3.0" },
    { init_lora_weights: "gaussian" },
    { init_lora_weights: "eva", eva_config: { rho: 1 } },
    { init_lora_weights: false },
    { loftq_config: { loftq_bits: 4 } },
    { rank_pattern: {}, alpha_pattern: null, exclude_modules: [], layers_to_transform: [] },
    { later: false, of: null, nothing: {}, at: [], all: "" },
    { megatron_core: "megatron.core", layers_pattern: "layers", qalora_group_size: 8, runtime_config: { a: true } },
  ])("%j makes no difference", (keys) => {
    expect(load(keys)().parameters).toEqual(plain.parameters);
  });

  it("has a scale that float32 can hold", () => {
    expect(load({ lora_alpha: 1e308 })).toThrow(/"lora_alpha": .*<=1000000; found 1e\+308/);
  });

  it("has sizes that its tensors have", () => {
    expect(load({ r: 1_000_000_000 })).toThrow(/tensor "\S+": expected shape \[1000000000, \d+\] for this base, found/);
  });

  test.each(["(.+.+)+x", "(.*)*(.*)*(.*)*[^_]{99}x"])("an expression without end is refused: %s", (expression) => {
    expect(load({ target_modules: expression })).toThrow(
      /adapter_config\.json: .*targetModules: the expression "\S+" takes more than 2 s/,
    );
  });

  it("is not followed to any depth", () => {
    const path = join(root, "deep");
    cpSync(folder, path, { recursive: true });
    const json = `${"[".repeat(20_000)}1${"]".repeat(20_000)}`;
    for (const key of ["rank_pattern", "r", "target_modules", "unknown"]) {
      const config = JSON.parse(readFileSync(join(folder, "adapter_config.json"), "utf8")) as Record<string, unknown>;
      const text = JSON.stringify({ ...config, [key]: "@" }).replace('"@"', json);
      writeFileSync(join(path, "adapter_config.json"), text);
      expect(() => loadAdapter(path, base)).toThrow(`"${key}": `);
    }
  });
});
