import { describe, expect, it } from "vitest";
import { loadAdapter } from "../../adapters/index.ts";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";
import { readJson } from "../../src/core/io/index.ts";
import {
  baseShapes,
  checkLength,
  Decoder,
  makeBatch,
  parseConfig,
  type DecoderConfig,
} from "../../src/core/decoder/index.ts";
import { folderFiles, loadWeights } from "../../src/core/checkpoint/index.ts";
import { golden, goldenJson, relativeError } from "../support/golden.ts";

interface Case {
  readonly case: string;
  readonly sequences: readonly { readonly inputIds: number[]; readonly lastLogits: number[] }[];
}

const engine = onnxRuntimeEngine({ threads: 1 });

function load(folder: string) {
  const config = parseConfig(readJson(`${folder}/config.json`), `${folder}/config.json`);
  return { config, weights: loadWeights(folderFiles(folder), baseShapes(config)) };
}

async function expectLogits(decoder: Decoder, config: DecoderConfig, { sequences }: Case): Promise<void> {
  const batch = makeBatch(
    sequences.map(({ inputIds }) => ({ ids: inputIds })),
    { precision: "float32" },
  );
  const rows = Int32Array.from(sequences, ({ inputIds }, b) => b * batch.tokens + inputIds.length - 1);
  const { hidden } = await decoder.forward(batch, { rows });
  const logits = (await decoder.logits(hidden)).data;
  const V = config.vocabSize;
  for (const [b, { lastLogits }] of sequences.entries()) {
    expect(relativeError(logits.subarray(b * V, (b + 1) * V), lastLogits)).toBeLessThan(1e-4);
  }
}

describe("logits of transformers' own models", () => {
  const { cases } = goldenJson("families/expected.json") as { cases: Case[] };
  it.each(cases.filter((c) => !c.case.includes("window")).map((c) => [c.case, c] as const))(
    "%s",
    async (name, expected) => {
      const { config, weights } = load(golden(`families/${name}`));
      await expectLogits(new Decoder(engine, { config, weights }), config, expected);
    },
  );

  it.each(["mistral-window", "qwen2-window"])("%s: texts longer than the window are refused", (name) => {
    const { config } = load(golden(`families/${name}`));
    expect(config.slidingWindow).toBe(6);
    checkLength(config, 6, "text");
    expect(() => checkLength(config, 7, "text")).toThrow("text has 7 tokens; expected at most 6, the sliding window");
  });
});

describe("PEFT's LoRA folders", () => {
  const { base, cases } = goldenJson("peft-lora/expected.json") as { base: string; cases: Case[] };
  const { config, weights } = load(golden(`peft-lora/${base}`));

  it.each(cases.filter((c) => c.case !== "dora" && c.case !== "pissa").map((c) => [c.case, c] as const))(
    "%s",
    async (name, expected) => {
      const { adapter, parameters } = loadAdapter(golden(`peft-lora/${name}`), config);
      await expectLogits(new Decoder(engine, { config, weights, adapter, parameters }), config, expected);
    },
  );

  it("refuses DoRA by name", () => {
    expect(() => loadAdapter(golden("peft-lora/dora"), config)).toThrow('"use_dora": true is not supported');
  });

  it("refuses an initialisation that rewrites the base", () => {
    expect(() => loadAdapter(golden("peft-lora/pissa"), config)).toThrow(
      '"init_lora_weights": "pissa" is not supported; expected true or false or "gaussian" or "eva"',
    );
  });
});
