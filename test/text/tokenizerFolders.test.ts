import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readJson } from "../../src/core/io/index.ts";
import { loadTokenizer } from "../../src/core/text/folder.ts";
import { withinVocabulary, type Tokenizer } from "../../src/core/text/index.ts";

interface Golden {
  readonly transformers: string;
  readonly lines: string[];
  readonly folders: {
    name: string;
    files: Record<string, object>;
    specialTokens: Record<string, string>;
    ids: number[][];
  }[];
}
const [four, five] = ["folders4", "folders5"].map(
  (name) => readJson(`test/fixtures/golden/tokenizer/${name}.json`) as Golden,
) as [Golden, Golden];

const root = mkdtempSync(join(tmpdir(), "cuma-tokenizer-"));
afterAll(() => rmSync(root, { recursive: true }));

function load(files: Readonly<Record<string, object>>): Tokenizer {
  const folder = mkdtempSync(join(root, "t"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content));
  return loadTokenizer(folder);
}

/**
 * transformers 5 builds LlamaTokenizer anew from its vocabulary and heeds neither tokenizer.json's steps nor add_bos_token and
 * add_eos_token. What models of that class were trained with is what transformers 4 gives.
 */
const byRelease = [four, { ...five, folders: five.folders.filter(({ name }) => !name.startsWith("Llama")) }];

describe.each(byRelease)("folders as transformers $transformers reads them", ({ lines, folders }) => {
  test.each(folders)("$name", ({ files, specialTokens, ids }) => {
    const tokenizer = load(files);
    expect(tokenizer.specialTokens).toEqual(specialTokens);
    expect(lines.map((line) => tokenizer.encode(line, { addSpecialTokens: true }))).toEqual(ids);
  });
});

describe("the files beside tokenizer.json", () => {
  const { files } = four.folders.find(({ name }) => name === "added_tokens.json")!;
  const tokenizerJson = { "tokenizer.json": files["tokenizer.json"]! };

  test("errors name the file and the token", () => {
    expect(() => load({ ...files, "special_tokens_map.json": { additional_special_tokens: [7] } })).toThrow(
      /special_tokens_map\.json.*additional_special_tokens/,
    );
    expect(() => load({ ...files, "added_tokens.json": { x: "one" } })).toThrow(/added_tokens\.json.*"x"/);
    expect(() => load({ ...tokenizerJson, "tokenizer_config.json": { pad_token: 5 } })).toThrow(
      /tokenizer_config\.json.*found 5/,
    );
    expect(() => load({ ...tokenizerJson, "tokenizer_config.json": { added_tokens_decoder: { x: {} } } })).toThrow(
      /tokenizer_config\.json.*added_tokens_decoder/,
    );
  });

  test("what transformers 4 and 5 read differently is refused", () => {
    const byteLevel = { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true };
    const tokenizer = { ...tokenizerJson["tokenizer.json"], pre_tokenizer: byteLevel };
    expect(() => load({ "tokenizer.json": tokenizer, "tokenizer_config.json": { add_prefix_space: false } })).toThrow(
      /tokenizer_config\.json: "add_prefix_space" is false, but tokenizer\.json has true/,
    );
  });

  test("a token beyond the embedding is an error in a text that holds it only", () => {
    const tokenizer = load(files);
    const id = tokenizer.vocabSize - 1;
    const model = withinVocabulary(tokenizer, id, "config.json");
    expect(model.encode("ab", { addSpecialTokens: true })).toEqual(tokenizer.encode("ab", { addSpecialTokens: true }));
    expect(() => model.encode("a<pad>", { addSpecialTokens: true })).toThrow(
      new RegExp(
        `the token "<pad>" has the id ${id}, but config\\.json gives the model a vocab_size of ${id}.*"a<pad>"`,
      ),
    );
    expect(withinVocabulary(tokenizer, id + 1, "config.json")).toBe(tokenizer);
  });
});
