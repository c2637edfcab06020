import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadAdapter } from "../../adapters/index.ts";
import { hashBase } from "../../src/app/model/baseModel.ts";
import { encodeSafetensors, SafetensorsFile, type FloatTensor } from "../../src/core/checkpoint/index.ts";
import { readJson } from "../../src/core/io/index.ts";
import { baseShapes, parseConfig } from "../../src/core/decoder/index.ts";
import { folderFiles, HashedFiles, loadDecoderWeights, loadWeights } from "../../src/core/checkpoint/index.ts";
import { golden } from "../support/golden.ts";

const root = mkdtempSync(join(tmpdir(), "cuma-weights-"));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

/** A copy of a golden folder. */
function copy(name: string): string {
  const folder = mkdtempSync(join(root, "copy-"));
  cpSync(golden(name), folder, { recursive: true });
  return folder;
}
const configOf = (folder: string) => parseConfig(readJson(join(folder, "config.json")), "config.json");

function tensorsOf(path: string): Record<string, FloatTensor> {
  const file = SafetensorsFile.open(path);
  const tensors = Object.fromEntries(file.names.map((name) => [name, file.read(name)]));
  file.close();
  return tensors;
}

const tied = "families/llama-tied-default-f32";
const sharded = "families/llama-untied-llama3-f32";
const INDEX = "model.safetensors.index.json";

const hashOf = (folder: string) => hashBase({ files: new HashedFiles(folderFiles(folder)) });

function editIndex(folder: string, edit: (map: Record<string, string>) => unknown): void {
  const path = join(folder, INDEX);
  const index = JSON.parse(readFileSync(path, "utf8")) as { weight_map: Record<string, string> };
  edit(index.weight_map);
  writeFileSync(path, JSON.stringify(index));
}

describe("weights that nobody needs", () => {
  const whole = golden(sharded);
  const shapes = baseShapes(configOf(whole));
  const expected = loadWeights(folderFiles(whole), shapes);

  test("an index entry without tensor, or in a file that is not there, does no harm", () => {
    const folder = copy(sharded);
    editIndex(folder, (map) => {
      map["model.rotary.inv_freq"] = Object.values(map)[0]!;
      map["vision.weight"] = "model-00009-of-00009.safetensors";
    });
    expect(loadWeights(folderFiles(folder), shapes)).toEqual(expected);
  });

  test("one that is needed is named", () => {
    const folder = copy(sharded);
    editIndex(folder, (map) => (map["model.norm.weight"] = "other.safetensors"));
    cpSync(golden(`${tied}/model.safetensors`), join(folder, "other.safetensors"));
    const file = tensorsOf(join(folder, "other.safetensors"));
    Reflect.deleteProperty(file, "model.norm.weight");
    writeFileSync(join(folder, "other.safetensors"), encodeSafetensors(file));
    expect(() => loadWeights(folderFiles(folder), shapes)).toThrow(
      /other\.safetensors: tensor "model\.norm\.weight" is missing; .*index\.json says/,
    );
  });
});

describe("a head beside tied embeddings", () => {
  const change = (edit: (head: Float32Array) => void): string => {
    const folder = copy(tied);
    const path = join(folder, "model.safetensors");
    const tensors = tensorsOf(path);
    const { shape, data } = tensors["model.embed_tokens.weight"]!;
    const head = Float32Array.from(data);
    edit(head);
    writeFileSync(path, encodeSafetensors({ ...tensors, "lm_head.weight": { shape, data: head } }));
    return folder;
  };

  test("may be the same", () => {
    const folder = change(() => undefined);
    expect(loadDecoderWeights(folderFiles(folder), configOf(folder)).has("model.norm.weight")).toBe(true);
  });

  test("may not differ: versions of transformers take one or the other", () => {
    const folder = change((head) => (head[7]! += 1));
    expect(() => loadDecoderWeights(folderFiles(folder), configOf(folder))).toThrow(
      /tensor "lm_head\.weight" differs from the embedding, .*tie_word_embeddings: true/,
    );
  });
});

describe("the hash of a base", () => {
  test.each([
    INDEX,
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "model-00002-of-00002.safetensors",
  ])("follows %s", (name) => {
    const folder = copy(sharded);
    const before = hashOf(folder);
    const path = join(folder, name);
    const other = name.endsWith(".safetensors")
      ? Buffer.concat([readFileSync(path).subarray(0, -4), Buffer.from([1, 1, 1, 1])])
      : `${name === INDEX ? readFileSync(path, "utf8") : "{}"} `;
    writeFileSync(path, other);
    expect(hashOf(folder)).not.toBe(before);
  });

  test("does not follow what changes no likelihood", () => {
    const folder = copy(sharded);
    const before = hashOf(folder);
    writeFileSync(join(folder, "generation_config.json"), '{ "temperature": 0.6 }');
    writeFileSync(join(folder, "README.md"), "# A model");
    writeFileSync(join(folder, "chat_template.json"), "{}");
    mkdirSync(join(folder, "additional_chat_templates"));
    writeFileSync(join(folder, "additional_chat_templates", "rag.jinja"), "rag");
    cpSync(join(folder, "model-00002-of-00002.safetensors"), join(folder, "consolidated.safetensors"));
    expect(hashOf(folder)).toBe(before);
  });
});

describe.skipIf(process.platform === "win32")("pipes and devices in place of files", () => {
  const adapter = golden("peft-lora/plain");
  const base = golden("families/llama-untied-default-f32");
  const put = {
    pipe: (path: string) => execFileSync("mkfifo", [path]),
    device: (path: string) => symlinkSync("/dev/zero", path),
  };
  const files = [
    ...[base, golden(sharded)].flatMap((folder) => readdirSync(folder).map((name) => [folder, name] as const)),
    ...readdirSync(adapter).map((name) => [adapter, name] as const),
  ];
  const cases = files.flatMap(([folder, name]) =>
    (["pipe", "device"] as const).map((kind) => [name, kind, folder] as const),
  );

  test.each(cases)("%s is a %s", (name, kind, original) => {
    const folder = mkdtempSync(join(root, "odd-"));
    cpSync(original, folder, { recursive: true });
    rmSync(join(folder, name));
    put[kind](join(folder, name));
    const load = (): unknown => {
      if (original === adapter) return loadAdapter(folder, configOf(base));
      return loadWeights(folderFiles(folder), baseShapes(configOf(folder)));
    };
    expect(load).toThrow(new RegExp(`${name}: cannot be read: it is a ${kind}`));
  });
});
