import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Prompts } from "../../src/app/model/prompts.ts";
import { makeBatch } from "../../src/core/decoder/index.ts";
import { loadTokenizer } from "../../src/core/text/folder.ts";
import { choicePrompt, defaultTemplateSettings, type Choice, type Tokenizer } from "../../src/core/text/index.ts";
import { answerTree, sft, treeAnswers, type SftExample } from "../../src/core/train/index.ts";
import { goldenJson } from "../support/golden.ts";

interface Case {
  readonly name: string;
  readonly tokenizer: object;
  readonly texts: readonly { readonly text: string; readonly ids: number[][] }[];
}
const cases = goldenJson("prompts.json") as Case[];
const root = mkdtempSync(join(tmpdir(), "cuma-prompts-"));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

function tokenizerOf(json: object, config: object = { bos_token: "<s>", eos_token: "</s>" }): Tokenizer {
  const folder = mkdtempSync(join(root, "t"));
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(json));
  writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(config));
  return loadTokenizer(folder);
}

function promptsOf(tokenizer: Tokenizer, text: string, file: string | null): Prompts<Choice> {
  const config = { maxPositions: 64, slidingWindow: null } as ConstructorParameters<
    typeof Prompts<Choice>
  >[0]["config"];
  const template = { file, prompt: () => text };
  return new Prompts(
    { config, tokenizer, template },
    { persona: true, template: defaultTemplateSettings },
    choicePrompt,
  );
}

const choice = { profile: {}, question: "q", options: ["a", "b", "c"] };

describe.each(cases)("a prompt and a letter are tokenised as one text: $name", ({ tokenizer: json, texts }) => {
  const tokenizer = tokenizerOf(json);

  test.each(texts)("$text", ({ text, ids }) => {
    const item = () => promptsOf(tokenizer, text, "template").item(choice, "the question");
    const shared = ids[0]!.findIndex((id, i) => ids.some((other) => other[i] !== id));
    if (shared === 0) {
      expect(item).toThrow(/expected a token of the prompt before the answers/);
      return;
    }
    const { prompt, continuations } = item();
    expect(continuations.map((answer) => [...prompt, ...answer])).toEqual(ids);
    expect(prompt).toHaveLength(shared);
  });
});

describe("a plain prompt", () => {
  const plain = tokenizerOf(cases.find(({ name }) => name === "llama, without")!.tokenizer);

  test("has a blank before the letter, which SentencePiece joins to it", () => {
    const { prompt, continuations } = promptsOf(plain, "x", null).item(choice, "the question");
    const whole = ["A", "B", "C"].map((letter) => plain.encode(`x ${letter}`, { addSpecialTokens: false }));
    expect(continuations.map((answer) => [...prompt, ...answer])).toEqual(whole);
  });

  test("an end token that the tokenizer puts after a text is no part of the answer", () => {
    const json = cases.find(({ name }) => name === "llama, without")!.tokenizer;
    const single = [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }];
    const tokens = {
      "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] },
      "</s>": { id: "</s>", ids: [2], tokens: ["</s>"] },
    };
    const framed = tokenizerOf({
      ...json,
      post_processor: {
        type: "TemplateProcessing",
        single: [...single, { SpecialToken: { id: "</s>", type_id: 0 } }],
        pair: [...single, { Sequence: { id: "B", type_id: 0 } }],
        special_tokens: tokens,
      },
    });
    const { prompt, continuations } = promptsOf(framed, "x", null).item(choice, "the question");
    const [first] = continuations;
    expect([...prompt, ...first!]).toEqual([1, ...plain.encode("x A", { addSpecialTokens: false })]);
  });
});

test("letters that the vocabulary does not tell apart are an error", () => {
  const json = structuredClone(cases.find(({ name }) => name === "unigram")!.tokenizer) as {
    model: { vocab: [string, number][] };
  };
  json.model.vocab = json.model.vocab.filter(([piece]) => !piece.includes("B") && !piece.includes("C"));
  expect(() => promptsOf(tokenizerOf(json), "x\n", "template").item(choice, "the question")).toThrow(
    /cannot tell the answer "C" from "B": the vocabulary lacks the letter/,
  );
});

describe("answers of several tokens as what is trained", () => {
  const answers = [
    { tokens: [5], share: 0.25 },
    { tokens: [6, 7], share: 0.5 },
    { tokens: [6, 8, 9], share: 0.25 },
  ];
  const example: SftExample = { id: "e", weight: 2, profile: 0, ...answerTree([1, 2], answers) };

  test("each token is trained with the share of the people who pass it", () => {
    expect(example.inputIds).toEqual([1, 2, 6, 8]);
    expect(example.parents).toEqual([-1, 0, 1, 2]);
    expect(example.targets).toEqual([
      { position: 1, tokens: [5, 6], probabilities: [0.25, 0.75], share: 1 },
      { position: 2, tokens: [7, 8], probabilities: [0.5, 0.25], share: 0.75 },
      { position: 3, tokens: [9], probabilities: [0.25], share: 0.25 },
    ]);
    // Of 4 answer tokens in all: 2 people, of whom all pass the first token, 3 in 4 the second and 1 in 4 the third.
    const shares = [0.25, 0.75, 0.5, 0.25, 0.25];
    expect([...sft.collate([example], [example]).feeds["weight"]!.data]).toEqual(shares.map((p) => (2 * p) / 4));
    expect(treeAnswers(example)).toEqual(answers);
  });

  test("a branch sees its own ancestors only", () => {
    const tree: SftExample = {
      ...example,
      ...answerTree(
        [1],
        [
          { tokens: [5, 7], share: 0.5 },
          { tokens: [6, 8], share: 0.5 },
        ],
      ),
    };
    const { trees, labels, feeds } = sft.collate([tree], [tree]);
    const batch = makeBatch(trees, { precision: "float32" });
    expect(tree.inputIds).toEqual([1, 5, 6]);
    expect([...batch.feeds.attentionBias.data].map((bias) => Number(bias === 0))).toEqual([1, 0, 0, 1, 1, 0, 1, 0, 1]);
    expect([...batch.feeds.positions.data]).toEqual([0, 1, 1]);
    expect(labels.map(({ token }) => token)).toEqual([5, 6, 7, 8]);
    expect([...feeds["weight"]!.data]).toEqual([0.25, 0.25, 0.25, 0.25]);
  });
});
