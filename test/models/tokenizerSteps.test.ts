import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readJson } from "../../src/io/index.ts";
import { loadTokenizer, type Tokenizer } from "../../src/models/index.ts";

const golden = "test/fixtures/golden/tokenizer";
const lines = [...(readJson(`${golden}/lines.json`) as string[]), ...(readJson(`${golden}/mixed.json`) as string[])];
type Sections = Readonly<Record<string, unknown>>;
const { bytesModel, cases, decoders } = readJson(`${golden}/steps.json`) as {
  bytesModel: object;
  cases: { name: string; sections: Sections; digests: string }[];
  decoders: { name: string; sections: Sections; ids: number[]; text: string }[];
};

const root = mkdtempSync(join(tmpdir(), "cuma-tokenizer-"));
afterAll(() => rmSync(root, { recursive: true }));

function load(sections: Sections): Tokenizer {
  const folder = mkdtempSync(join(root, "t"));
  const empty = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify({ ...empty, model: bytesModel, ...sections }));
  return loadTokenizer(folder);
}

function digest(ids: readonly number[]): string {
  return createHash("sha256").update(ids.join(" ")).digest("hex").slice(0, 4);
}

describe(`steps of tokenizer.json give the ids of the tokenizers library on ${lines.length} lines`, () => {
  test.each(cases)("$name", ({ sections, digests }) => {
    const tokenizer = load(sections);
    const differ = lines.filter((line, i) => {
      return digest(tokenizer.encode(line, { addSpecialTokens: true })) !== digests.slice(4 * i, 4 * i + 4);
    });
    expect(differ).toEqual([]);
  });
});

describe("decoders give the text of the tokenizers library", () => {
  test.each(decoders)("$name", ({ sections, ids, text }) => {
    expect(load(sections).decode(ids)).toBe(text);
  });
});
