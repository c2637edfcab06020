import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadChatTemplate, loadTokenizer } from "../../src/core/text/folder.ts";
import { type ChatMessage, type Tokenizer } from "../../src/core/text/index.ts";
import { readJson } from "../../src/core/io/index.ts";
import { needsModels, realModel } from "../support/models.ts";

const golden = "test/fixtures/golden/tokenizer";
const lines = readJson(`${golden}/lines.json`) as string[];
const expected = readJson(`${golden}/expected.json`) as {
  ids: number[][];
  chats: { name: string; messages: ChatMessage[]; addGenerationPrompt: boolean; text: string; ids: number[] }[];
};
const folder = realModel("smollm2-135m-instruct");

describe.skipIf(folder === undefined)(`SmolLM2's tokenizer and chat template ${folder ? "" : needsModels}`, () => {
  let tokenizer: Tokenizer;
  beforeAll(() => {
    tokenizer = loadTokenizer(folder!);
  });

  test(`gives the ids of the tokenizers library on ${lines.length} lines in many languages`, () => {
    expect(lines.length).toBeGreaterThanOrEqual(200);
    for (const [i, line] of lines.entries()) {
      expect(tokenizer.encode(line, { addSpecialTokens: true }), line).toEqual(expected.ids[i]);
      expect(tokenizer.decode(expected.ids[i]!)).toBe(line);
    }
  });

  test("renders chats as transformers does", () => {
    const template = loadChatTemplate(folder!, tokenizer);
    for (const { name, messages, addGenerationPrompt, text, ids } of expected.chats) {
      if (!addGenerationPrompt) continue;
      expect(template.prompt(messages), name).toBe(text);
      expect(tokenizer.encode(template.prompt(messages), { addSpecialTokens: false }), name).toEqual(ids);
    }
  });

  test("knows its vocabulary", () => {
    expect(tokenizer.vocabSize).toBe(49152);
    expect(tokenizer.eosToken).toBe("<|im_end|>");
  });
});

describe("tokenizer and template files", () => {
  const root = mkdtempSync(join(tmpdir(), "cuma-tokenizer-"));
  afterAll(() => rmSync(root, { recursive: true }));
  const tokenizer = { bosToken: "<s>", eosToken: "</s>" } as Tokenizer;
  const messages: ChatMessage[] = [
    { role: "system", content: "You are a person from Japan." },
    { role: "user", content: "Is family important? A. Yes. B. No." },
  ];
  const withConfig = (config: object): string => {
    const path = mkdtempSync(join(root, "m"));
    writeFileSync(join(path, "tokenizer_config.json"), JSON.stringify(config));
    return path;
  };

  test("a base without a template gets the plain prompt", () => {
    const template = loadChatTemplate(withConfig({}), tokenizer);
    expect(template.file).toBeNull();
    expect(template.prompt(messages)).toBe(
      "You are a person from Japan.\n\nIs family important? A. Yes. B. No.\n\nAnswer:",
    );
  });

  test("errors name the file", () => {
    expect(() => loadTokenizer(root)).toThrow(/tokenizer\.json: cannot be read: there is no such file/);
    writeFileSync(join(root, "tokenizer.json"), "{");
    expect(() => loadTokenizer(root)).toThrow(/tokenizer\.json: is not JSON/);
    writeFileSync(join(root, "tokenizer.json"), "{}");
    expect(() => loadTokenizer(root)).toThrow(/tokenizer\.json: "model": expected object; found nothing/);
  });
});
