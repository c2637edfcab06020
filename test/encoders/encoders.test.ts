import { spawn } from "node:child_process";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { loadBase } from "../../src/app/model/baseModel.ts";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";
import { referenceEngine } from "../../src/core/engine/reference.ts";
import { Graph, program, tensor } from "../../src/core/graph/index.ts";
import { encodeSafetensors } from "../../src/core/checkpoint/index.ts";
import { readJson } from "../../src/core/io/index.ts";
import { Bert, bertShapes, gelu, layerNorm, loadBert, parseBertConfig } from "../../src/core/encoders/bert.ts";
import {
  baseEncoder,
  cachedEncoder,
  embeddingsFolder,
  loadSentenceTransformer,
  vectorsEncoder,
  type TextEncoder,
} from "../../src/core/encoders/index.ts";
import { Decoder, makeBatch } from "../../src/core/decoder/index.ts";
import { profileText, type Tokenizer } from "../../src/core/text/index.ts";
import { erfOf } from "../../src/core/ops/erf.ts";
import { Rng } from "../../src/core/util/index.ts";
import { golden, goldenJson, relativeError } from "../support/golden.ts";
import { needsModels, realModel } from "../support/models.ts";
import { randomWeights, tinyConfig } from "../support/tinyModel.ts";

interface Row {
  readonly text: string;
  readonly vector: number[];
  readonly vectorAt128?: number[];
  readonly vectorAt512?: number[];
}

const engine = onnxRuntimeEngine({ threads: 1 });
const root = mkdtempSync(join(tmpdir(), "cuma-encoders-"));
afterAll(() => rmSync(root, { recursive: true }));

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

function largestError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  return Math.max(...Array.from(found, (x, i) => Math.abs(x - expected[i]!)));
}

/** A copy of a golden folder with some of its JSON files changed; undefined removes a file. */
function changed(name: string, changes: Readonly<Record<string, object | undefined>>): string {
  const folder = mkdtempSync(join(root, name));
  cpSync(golden(`encoders/${name}`), folder, { recursive: true });
  for (const [file, json] of Object.entries(changes)) {
    if (json) writeFileSync(join(folder, file), JSON.stringify(json));
    else rmSync(join(folder, file));
  }
  return folder;
}

const read = (path: string): object => readJson(golden(`encoders/${path}`)) as object;

describe("sentence-transformers' own vectors", () => {
  const { cases } = goldenJson("encoders/expected.json") as {
    cases: { case: string; dimension: number; rows: Row[] }[];
  };

  test.each(cases.map((c) => [c.case, c] as const))("%s", async (name, { dimension, rows }) => {
    const encoder = await loadSentenceTransformer(golden(`encoders/${name}`), engine);
    expect(encoder.width).toBe(dimension);
    const vectors = await encoder.encode(rows.map((row) => row.text));
    for (const [i, row] of rows.entries()) expect(largestError(vectors[i]!, row.vector), row.text).toBeLessThan(1e-5);
    await encoder.dispose();
  });

  const pooled = goldenJson("encoders/poolings.json") as {
    cases: { pooling: string | string[]; vectors: number[][] }[];
  };
  test.each(pooled.cases.map((c) => [String(c.pooling), c] as const))(
    "pooling: %s",
    async (_, { pooling, vectors: expected }) => {
      const folder = changed("bert-mean", {
        "1_Pooling/config.json": { embedding_dimension: 32, pooling_mode: pooling },
        "modules.json": (read("bert-mean/modules.json") as object[]).slice(0, 2),
      });
      const encoder = await loadSentenceTransformer(folder, engine);
      const vectors = await encoder.encode(cases[0]!.rows.slice(0, 3).map(({ text }) => text));
      expect(encoder.width).toBe(expected[0]!.length);
      for (const [i, vector] of vectors.entries()) expect(largestError(vector, expected[i]!)).toBeLessThan(1e-5);
    },
  );

  test("several ways of pooling by flags stand in the order of sentence-transformers", async () => {
    const flagged = { word_embedding_dimension: 32, pooling_mode_max_tokens: true, pooling_mode_cls_token: true };
    const named = { word_embedding_dimension: 32, pooling_mode: ["cls", "max"] };
    const [first, second] = await Promise.all(
      [flagged, named].map(async (pooling) => {
        const folder = changed("bert-mean", { "1_Pooling/config.json": pooling });
        return (await loadSentenceTransformer(folder, engine)).encode(["You are a person from Japan."]);
      }),
    );
    expect(first).toEqual(second);
  });

  test("the reference engine agrees to the digits that are given", async () => {
    const { rows } = cases[0]!;
    const encoder = await loadSentenceTransformer(golden("encoders/bert-mean"), referenceEngine);
    const [vector] = await encoder.encode([rows[0]!.text]);
    expect(largestError(vector!, rows[0]!.vector)).toBeLessThan(1e-7);
  });

  test.each(cases.map((c) => [c.case, c.rows] as const))(
    "%s: vectors do not depend on batch-mates",
    async (name, rows) => {
      const encoder = await loadSentenceTransformer(golden(`encoders/${name}`), engine);
      const texts = [...rows.map((row) => row.text), "You are a person from Egypt.", "You are a person from China."];
      const alone: Float32Array[] = [];
      for (const text of texts) alone.push((await encoder.encode([text]))[0]!);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(texts.length - 1), { minLength: 1, maxLength: 30 }), async (order) => {
          const together = await encoder.encode(order.map((i) => texts[i]!));
          for (const [row, i] of order.entries()) expect(together[row]).toEqual(alone[i]);
        }),
        { numRuns: 15 },
      );
    },
  );

  test("a default prompt stands before every text, and do_lower_case lowers it", async () => {
    const prompts = { prompts: { who: "You are a person " }, default_prompt_name: "who" };
    const folder = changed("bert-mean", { "config_sentence_transformers.json": prompts });
    const plain = await loadSentenceTransformer(golden("encoders/bert-mean"), engine);
    const prompted = await loadSentenceTransformer(folder, engine);
    expect(await prompted.encode(["from Japan."])).toEqual(await plain.encode(["You are a person from Japan."]));
    expect(prompted.hash).not.toBe(plain.hash);
    const lowered = changed("qwen3-lasttoken", {
      "config_sentence_transformers.json": prompts,
      "sentence_bert_config.json": { do_lower_case: true },
    });
    const [both] = await (await loadSentenceTransformer(lowered, engine)).encode(["FROM JAPAN"]);
    const qwen = await loadSentenceTransformer(golden("encoders/qwen3-lasttoken"), engine);
    expect([both]).toEqual(await qwen.encode(["you are a person from japan"]));

    const lower = await loadSentenceTransformer(
      changed("qwen3-lasttoken", { "sentence_bert_config.json": { max_seq_length: 30, do_lower_case: true } }),
      engine,
    );
    const [shouted, said] = await lower.encode(["FROM JAPAN", "from japan"]);
    expect(shouted).toEqual(said);
  });

  test("the hash follows the content of the files, not their place", async () => {
    const original = await loadSentenceTransformer(golden("encoders/bert-cls"), engine);
    const copy = await loadSentenceTransformer(changed("bert-cls", {}), engine);
    const pooling = { ...read("bert-cls/1_Pooling/config.json"), pooling_mode: "mean" };
    const other = await loadSentenceTransformer(changed("bert-cls", { "1_Pooling/config.json": pooling }), engine);
    expect(original.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(copy.hash).toBe(original.hash);
    expect(other.hash).not.toBe(original.hash);
  });
});

const minilm = realModel("all-minilm-l6-v2");

describe.skipIf(minilm === undefined)(`all-MiniLM-L6-v2 ${minilm ? "" : needsModels}`, () => {
  const { rows } = goldenJson("encoders/minilm.json") as { rows: Row[] };
  const long = rows.findIndex((row) => row.vectorAt512);

  async function encode(maxLength: number | undefined): Promise<Float32Array[]> {
    const folder = mkdtempSync(join(root, "minilm"));
    for (const name of readdirSync(minilm!)) {
      if (name !== "sentence_bert_config.json") symlinkSync(join(minilm!, name), join(folder, name));
    }
    if (maxLength)
      writeFileSync(join(folder, "sentence_bert_config.json"), JSON.stringify({ max_seq_length: maxLength }));
    const encoder = await loadSentenceTransformer(folder, engine);
    expect(encoder.width).toBe(384);
    const vectors = await encoder.encode(maxLength === 256 ? rows.map((row) => row.text) : [rows[long]!.text]);
    await encoder.dispose();
    return vectors;
  }

  test("cut at 256 tokens, as published", async () => {
    const vectors = await encode(256);
    for (const [i, row] of rows.entries()) expect(largestError(vectors[i]!, row.vector), row.text).toBeLessThan(1e-4);
  });

  test("cut at 128 tokens, and at the 512 that the model has positions for", async () => {
    expect(largestError((await encode(128))[0]!, rows[long]!.vectorAt128!)).toBeLessThan(1e-4);
    expect(largestError((await encode(undefined))[0]!, rows[long]!.vectorAt512!)).toBeLessThan(1e-4);
  });
});

describe("BERT", () => {
  const config = parseBertConfig(read("bert-mean/config.json"), "config.json");

  test("padding changes nothing", async () => {
    const bert = loadBert(golden("encoders/bert-mean"), engine);
    const H = config.hiddenSize;
    const short = [2, 92, 93, 3];
    const alone = (await bert.forward([short])).data;
    const padded = await bert.forward([[2, 94, 95, 96, 78, 5, 77, 3], short]);
    expect(padded.shape).toEqual([2, 8, H]);
    expect(relativeError(padded.data.subarray(8 * H, 12 * H), alone as Float32Array)).toBeLessThan(1e-6);
    await bert.dispose();
    // Usable again after it was disposed of.
    expect((await bert.forward([short])).data).toEqual(alone);
  });

  test("checkpoints with a head are read", async () => {
    const rng = new Rng(1);
    const shapes = bertShapes(config);
    const values = [...shapes].map(([name, shape]) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map(() => 0.1 * rng.normal());
      return [name, tensor(shape, data)] as const;
    });
    const folder = mkdtempSync(join(root, "head"));
    writeFileSync(join(folder, "config.json"), JSON.stringify(read("bert-mean/config.json")));
    const named = Object.fromEntries(values.map(([name, value]) => [`bert.${name}`, value]));
    writeFileSync(join(folder, "model.safetensors"), encodeSafetensors({ ...named, "cls.bias": tensor([1]) }));
    const expected = await new Bert(engine, config, new Map(values)).forward([[2, 50, 3]]);
    expect((await loadBert(folder, engine).forward([[2, 50, 3]])).data).toEqual(expected.data);
  });

  test("gelu and layer norm are what their formulas say", async () => {
    const graph = new Graph();
    const x = graph.input("x", "float", ["N", 4]);
    const [w, b] = [graph.input("w", "float", [4]), graph.input("b", "float", [4])];
    const executable = await referenceEngine.compile(
      program({ exact: gelu(x, false), near: gelu(x, true), norm: layerNorm(x, w, b, 0.5, 4) }),
    );
    const values = [-3, -0.5, 0.25, 2];
    const { exact, near, norm } = await executable.run({
      x: tensor([1, 4], values),
      w: tensor([4], [1, 2, 3, 4]),
      b: tensor([4], [0, 1, 0, -1]),
    });
    const mean = values.reduce((a, v) => a + v) / 4;
    const deviation = Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / 4 + 0.5);
    for (const [i, v] of values.entries()) {
      expect(exact!.data[i]).toBeCloseTo((v / 2) * (1 + erfOf(v / Math.SQRT2)), 12);
      const inner = Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3);
      expect(near!.data[i]).toBeCloseTo((v / 2) * (1 + Math.tanh(inner)), 12);
      expect(norm!.data[i]).toBeCloseTo(((v - mean) / deviation) * (i + 1) + [0, 1, 0, -1][i]!, 12);
    }
  });

  test("activations differ, and unknown ones are refused", async () => {
    const hidden = async (activation: string) => {
      const json = { ...read("bert-mean/config.json"), hidden_act: activation };
      const bert = loadBert(changed("bert-mean", { "config.json": json }), engine);
      return (await bert.forward([[2, 50, 3]])).data;
    };
    const exact = await hidden("gelu");
    const tanh = await hidden("gelu_new");
    expect(await hidden("gelu_pytorch_tanh")).toEqual(tanh);
    expect(relativeError(tanh, exact)).toBeLessThan(1e-2);
    expect(tanh).not.toEqual(exact);
    expect(relativeError(await hidden("relu"), exact)).toBeGreaterThan(1e-2);
    await expect(hidden("swish")).rejects.toThrow(/config\.json: "hidden_act": .*"gelu_new".*; found "swish"/);
  });

  test("errors name the file and the key", () => {
    const parse = (changes: object) => () =>
      parseBertConfig({ ...read("bert-mean/config.json"), ...changes }, "m/config.json");
    expect(parse({ model_type: "roberta" })).toThrow(/m\/config\.json: "model_type": .*"bert".*; found "roberta"/);
    expect(parse({ hidden_size: null })).toThrow(/"hidden_size": expected number; found null/);
    expect(parse({ num_attention_heads: 5 })).toThrow(
      /"hidden_size": expected a multiple of num_attention_heads; found 32/,
    );
    expect(parse({ position_embedding_type: "relative_key" })).toThrow(/"position_embedding_type"/);
    expect(parse({ is_decoder: true })).toThrow(/"is_decoder"/);
    const folder = changed("bert-mean", {
      "config.json": { ...read("bert-mean/config.json"), intermediate_size: 50 },
    });
    expect(() => loadBert(folder, engine)).toThrow(
      /model\.safetensors: tensor "encoder\.layer\.0\.intermediate\.dense\.weight": expected shape \[50, 32\]/,
    );
  });
});

describe("folders that are not supported", () => {
  const modules = read("bert-mean/modules.json") as { path: string; type: string }[];
  const pooling = read("bert-mean/1_Pooling/config.json");
  const refused: [string, Record<string, object | undefined>, RegExp][] = [
    ["no modules.json", { "modules.json": undefined }, /expected a sentence-transformers folder with modules\.json/],
    [
      "a Dense module",
      { "modules.json": modules.with(2, { path: "2_Dense", type: "sentence_transformers.models.Dense" }) },
      /modules\.json: module 2 is "sentence_transformers\.models\.Dense", which is not supported here; expected a Normalize/,
    ],
    ["a module too many", { "modules.json": [...modules, modules[2]!] }, /module 3 .*; expected no further module/],
    [
      "a module of someone else",
      { "modules.json": modules.with(0, { path: "", type: "custom_st.Transformer" }) },
      /module 0 is "custom_st\.Transformer"/,
    ],
    [
      "a path that leaves the folder",
      { "modules.json": modules.with(1, { ...modules[1]!, path: "../x" }) },
      /path "\.\.\/x"/,
    ],
    ["no pooling", { "modules.json": modules.slice(0, 1) }, /expected the modules Transformer, Pooling.*found 1/],
    [
      "an unknown pooling",
      { "1_Pooling/config.json": { word_embedding_dimension: 32, pooling_mode: "median" } },
      /1_Pooling.config\.json: unknown pooling "median"; expected one of mean, /,
    ],
    [
      "an unknown setting of pooling",
      { "1_Pooling/config.json": { ...pooling, skip_first: 1 } },
      /1_Pooling.config\.json: "skip_first": 1 is not known here/,
    ],
    [
      "settings of a module",
      { "modules.json": modules.with(1, { ...modules[1]!, kwargs: ["task"] } as never) },
      /modules\.json: "1\.kwargs": .*; found \["task"\]/,
    ],
    [
      "vectors that are cut",
      { "config_sentence_transformers.json": { truncate_dim: 16 } },
      /config_sentence_transformers\.json: "truncate_dim": 16 is not known here/,
    ],
    [
      "a model of another kind",
      { "config_sentence_transformers.json": { model_type: "SparseEncoder" } },
      /"model_type": "SparseEncoder" is not supported; expected "SentenceTransformer"/,
    ],
    [
      "another output",
      {
        "sentence_bert_config.json": {
          modality_config: { text: { method: "forward", method_output_name: "pooler_output" } },
        },
      },
      /sentence_bert_config\.json: "modality_config\.text\.method_output_name": .*; found "pooler_output"/,
    ],
    [
      "a prompt left out of the mean",
      {
        "1_Pooling/config.json": { ...pooling, include_prompt: false },
        "config_sentence_transformers.json": { prompts: { q: "Query: " }, default_prompt_name: "q" },
      },
      /"include_prompt": false is not supported together with a default prompt/,
    ],
    [
      "pooling of another width",
      { "1_Pooling/config.json": { ...pooling, word_embedding_dimension: 64 } },
      /dimension of 32.*found 64/,
    ],
    [
      "another architecture",
      { "config.json": { ...read("bert-mean/config.json"), model_type: "roberta" } },
      /config\.json: unknown model_type "roberta"; expected one of bert, llama/,
    ],
    [
      "a prompt that is not there",
      { "config_sentence_transformers.json": { prompts: { query: "q" }, default_prompt_name: "querry" } },
      /"default_prompt_name": unknown prompt "querry".*did you mean "query"/,
    ],
    [
      "a wrong length",
      { "sentence_bert_config.json": { max_seq_length: "long" } },
      /sentence_bert_config\.json: "max_seq_length"/,
    ],
  ];

  test.each(refused)("%s", async (_, changes, message) => {
    await expect(loadSentenceTransformer(changed("bert-mean", changes), engine)).rejects.toThrow(message);
  });
});

describe("vectors given by the user", () => {
  const write = (tensors: Parameters<typeof encodeSafetensors>[0]): string => {
    const path = join(mkdtempSync(join(root, "vectors")), "profiles.safetensors");
    writeFileSync(path, encodeSafetensors(tensors));
    return path;
  };
  const japan = profileText({ country: "Japan", age: "25-34" });

  test("are looked up by the profile's text", async () => {
    const path = write({ [japan]: tensor([2], [1, 2]), "You are a person from Egypt.": tensor([2], [3, 4]) });
    const encoder = await vectorsEncoder(path);
    expect(encoder.width).toBe(2);
    expect(encoder.hash).toBe(createHash("sha256").update(readFileSync(path)).digest("hex"));
    const egypt = "You are a person from Egypt.";
    expect((await encoder.encode([egypt, japan, egypt])).map((v) => [...v])).toEqual([
      [3, 4],
      [1, 2],
      [3, 4],
    ]);
    await expect(encoder.encode(["You are a person from Peru."])).rejects.toThrow(
      `${path}: there is no vector for the profile "You are a person from Peru."; it has 2 vectors, the first for "${japan}"`,
    );
    await encoder.dispose();
  });

  test("have one length", async () => {
    await expect(vectorsEncoder(write({}))).rejects.toThrow(/expected a vector for each profile, found no tensors/);
    await expect(vectorsEncoder(write({ a: tensor([2]), b: tensor([3]) }))).rejects.toThrow(
      /tensor "b": expected a vector of shape \[2\], as that of "a"; found \[3\]/,
    );
    await expect(vectorsEncoder(write({ a: tensor([1, 2]) }))).rejects.toThrow(/tensor "a": expected .*found \[1, 2\]/);
    await expect(vectorsEncoder(join(root, "none.safetensors"))).rejects.toThrow(/none\.safetensors: cannot be read/);
  });
});

describe("the base model as encoder", () => {
  test("gives the same bytes whatever is encoded beside a text, with several threads too", async () => {
    const { config, weights, tokenizer } = await loadBase("demo");
    const decoder = new Decoder(onnxRuntimeEngine({ threads: 2 }), { config, weights });
    const encoder = baseEncoder(decoder, tokenizer, "demo");
    const texts = ["Belmora", "Arvenland", "Cassidia", "Dorvania", "Estrellia", "Fenmark"].flatMap((country) =>
      ["Wayfarer", "Old Tide", "Sunfold", "Hearth"].map(
        (religion) => `You are a person from ${country}, religion: ${religion}.`,
      ),
    );
    const together = await encoder.encode(texts);
    for (const [i, text] of texts.entries()) expect((await encoder.encode([text]))[0]).toEqual(together[i]);
    await encoder.dispose();
  });

  const tokenizer = {
    encode: (text, { addSpecialTokens }) => [
      ...(addSpecialTokens ? [0] : []),
      ...Array.from(text, (character) => character.charCodeAt(0) % 50),
    ],
  } as Tokenizer;
  const weights = randomWeights(tinyConfig, 4);

  test("is the mean of the final hidden states of the text's own tokens", async () => {
    const decoder = new Decoder(referenceEngine, { config: tinyConfig, weights });
    const encoder = baseEncoder(new Decoder(engine, { config: tinyConfig, weights }), tokenizer, "hash of the base");
    const texts = ["Japan", "a longer text", "Egypt"];
    const vectors = await encoder.encode(texts);
    expect(encoder.width).toBe(tinyConfig.hiddenSize);
    for (const [i, text] of texts.entries()) {
      const ids = tokenizer.encode(text, { addSpecialTokens: false });
      const batch = makeBatch([{ ids }], { precision: "float64" });
      const { data } = await decoder.normalise((await decoder.forward(batch)).hidden);
      const mean = new Float64Array(encoder.width).map(
        (_, h) => ids.reduce((sum, _id, t) => sum + data[t * encoder.width + h]!, 0) / ids.length,
      );
      expect(relativeError(vectors[i]!, mean)).toBeLessThan(1e-5);
    }
    await encoder.dispose();
  });

  test("refuses texts it cannot read, and is told apart by its base", async () => {
    const decoder = new Decoder(engine, { config: tinyConfig, weights });
    const encoder = baseEncoder(decoder, tokenizer, "one");
    expect(baseEncoder(decoder, tokenizer, "two").hash).not.toBe(encoder.hash);
    await expect(encoder.encode([""])).rejects.toThrow(/expected a text, found an empty one/);
    await expect(encoder.encode(["x".repeat(600)])).rejects.toThrow(/has 600 tokens; the base model takes 512/);
  });
});

describe("the cache of vectors", () => {
  let folder: string;
  const calls: string[][] = [];
  const dispose = vi.fn(() => Promise.resolve());
  const lengths: TextEncoder = {
    name: "lengths",
    width: 3,
    hash: sha256("lengths"),
    encode: (texts) => {
      calls.push([...texts]);
      return Promise.resolve(texts.map((text) => Float32Array.of(text.length, text.charCodeAt(0), 0.1)));
    },
    dispose,
  };
  const files = (): string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

  beforeAll(() => {
    folder = mkdtempSync(join(root, "cache"));
  });
  afterEach(() => {
    calls.length = 0;
    vi.unstubAllEnvs();
  });

  test("encodes each text once, ever", async () => {
    const first = await cachedEncoder(lengths, "here", undefined, folder).encode(["b", "aa", "b"]);
    expect(calls).toEqual([["b", "aa"]]);
    const again = await cachedEncoder(lengths, "here", undefined, folder).encode(["aa", "c", "b"]);
    expect(calls).toEqual([["b", "aa"], ["c"]]);
    expect([again[0], again[2]]).toEqual([first[1], first[0]]);
    expect(first[2]).toEqual(first[0]);
    expect(first[2]).not.toBe(first[0]);
    expect(files()).toEqual([join(folder, `${lengths.hash}-here.vectors`)]);
  });

  test("does not take one encoder's vectors for another's, nor those of another engine or number of threads", async () => {
    const other = cachedEncoder({ ...lengths, hash: sha256("other") }, "here", undefined, folder);
    await other.encode(["b"]);
    expect(calls).toEqual([["b"]]);
    await cachedEncoder(lengths, "there", undefined, folder).encode(["b"]);
    expect(calls).toEqual([["b"], ["b"]]);
    expect([other.name, other.width]).toEqual(["lengths", 3]);
  });

  test.each([
    ["cut short", (bytes: Buffer) => bytes.subarray(0, 20)],
    ["flipped", (bytes: Buffer) => Buffer.from(bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)))],
    ["empty", () => Buffer.alloc(0)],
  ])("makes a file that is %s anew", async (_, spoil) => {
    const [expected] = await lengths.encode(["b"]);
    for (const file of files()) writeFileSync(file, spoil(readFileSync(file)));
    calls.length = 0;
    expect((await cachedEncoder(lengths, "here", undefined, folder).encode(["b"]))[0]).toEqual(expected);
    expect(calls).toEqual([["b"]]);
    await cachedEncoder(lengths, "here", undefined, folder).encode(["b"]);
    expect(calls).toHaveLength(1);
  });

  test("is in CUMA_CACHE, or in the user's cache folder", () => {
    vi.stubEnv("CUMA_CACHE", "chosen");
    expect(embeddingsFolder()).toBe("chosen");
    vi.stubEnv("CUMA_CACHE", "");
    vi.stubEnv("XDG_CACHE_HOME", "xdg");
    expect(embeddingsFolder()).toBe(join("xdg", "cuma", "embeddings"));
  });

  test("goes on after damage: what is lost is made anew, what is not stays", async () => {
    const own = mkdtempSync(join(root, "damage"));
    const texts = ["a", "bb", "ccc", "dddd"];
    const encoder = cachedEncoder(lengths, "here", undefined, own);
    const expected = await encoder.encode(texts);
    const path = join(own, `${lengths.hash}-here.vectors`);
    const whole = readFileSync(path);
    const record = whole.length / 4;
    for (const [spoilt, lost] of [
      [whole.subarray(0, 2 * record + 5), ["ccc", "dddd"]],
      [Buffer.concat([whole.subarray(0, record), Buffer.alloc(record), whole.subarray(2 * record)]), ["bb"]],
      [Buffer.concat([whole, Buffer.from("cut")]), []],
      [Buffer.from(whole.map((byte, i) => (i === record + 40 ? byte ^ 1 : byte))), ["bb"]],
    ] as const) {
      writeFileSync(path, spoilt);
      calls.length = 0;
      for (const reader of [encoder, cachedEncoder(lengths, "here", undefined, own)]) {
        expect(await reader.encode(texts)).toEqual(expected);
        expect(calls).toEqual(lost.length > 0 ? [lost] : []);
      }
      await encoder.encode(["new"]);
      expect(readFileSync(path).length % record).toBe(0);
    }
  });

  test("takes what other processes add", async () => {
    const own = mkdtempSync(join(root, "several"));
    const source = `
      const { VectorFile } = await import(${JSON.stringify(new URL("../../dist/src/core/encoders/vectorFile.js", import.meta.url).href)});
      const file = new VectorFile(${JSON.stringify(join(own, `${lengths.hash}-here.vectors`))}, 3);
      const from = Number(process.argv[1]);
      for (let i = from; i < from + 200; i++) file.add(new Map([[String(i), Float32Array.of(i, 1, 2)]]));`;
    const children = [0, 200, 400, 600].map((from) =>
      spawn(process.execPath, ["--input-type=module", "--eval", source, String(from)], { stdio: "inherit" }),
    );
    const codes = await Promise.all(children.map((child) => new Promise((done) => child.on("exit", done))));
    expect(codes).toEqual([0, 0, 0, 0]);
    const texts = Array.from({ length: 800 }, (_, i) => String(i));
    const found = await cachedEncoder(lengths, "here", undefined, own).encode(texts);
    expect(calls).toEqual([]);
    expect(found.map(([first]) => first)).toEqual(texts.map(Number));
  });

  test("is done without where it cannot be kept, and that is said once", async () => {
    const file = join(root, "file");
    writeFileSync(file, "");
    const said: string[] = [];
    const encoder = cachedEncoder(lengths, "here", (message) => said.push(message), join(file, "cache"));
    const expected = await lengths.encode(["b", "cc"]);
    expect([...(await encoder.encode(["b"])), ...(await encoder.encode(["cc"]))]).toEqual(expected);
    expect(said).toEqual([expect.stringMatching(/^vectors of profiles are not kept: .*file.*; CUMA_CACHE may name/)]);
  });

  test("passes on what it does not keep", async () => {
    await cachedEncoder(lengths, "here", undefined, folder).dispose();
    expect(dispose).toHaveBeenCalledOnce();
    mkdirSync(join(root, "empty"));
    expect(await cachedEncoder(lengths, "here", undefined, join(root, "empty")).encode([])).toEqual([]);
    expect(calls).toEqual([]);
  });
});
