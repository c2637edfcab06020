import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readJson } from "../../src/core/io/index.ts";
import { loadTokenizer } from "../../src/core/text/folder.ts";
import { type Tokenizer } from "../../src/core/text/index.ts";
import { DECODERS } from "../../src/core/text/tokenizer/decoders.ts";
import { MODELS } from "../../src/core/text/tokenizer/models.ts";
import { NORMALIZERS } from "../../src/core/text/tokenizer/normalizers.ts";
import { POST_PROCESSORS } from "../../src/core/text/tokenizer/postProcessors.ts";
import { PRE_TOKENIZERS } from "../../src/core/text/tokenizer/preTokenizers.ts";

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

/** Every type of step of tokenizers 0.23: read, and then in the golden cases above, or refused by name. */
const TYPES = {
  normalizer: {
    read: [
      "BertNormalizer",
      "ByteLevel",
      "Lowercase",
      "NFC",
      "NFD",
      "NFKC",
      "NFKD",
      "Nmt",
      "Prepend",
      "Replace",
      "Strip",
      "StripAccents",
    ],
    refused: ["Precompiled"],
    table: NORMALIZERS,
  },
  pre_tokenizer: {
    read: [
      "BertPreTokenizer",
      "ByteLevel",
      "CharDelimiterSplit",
      "Digits",
      "FixedLength",
      "Metaspace",
      "Punctuation",
      "Split",
      "Whitespace",
      "WhitespaceSplit",
    ],
    refused: ["UnicodeScripts"],
    table: PRE_TOKENIZERS,
  },
  model: { read: ["BPE", "Unigram", "WordLevel", "WordPiece"], refused: [], table: MODELS },
  post_processor: {
    read: ["BertProcessing", "ByteLevel", "RobertaProcessing", "TemplateProcessing"],
    refused: [],
    table: POST_PROCESSORS,
  },
  decoder: {
    read: ["BPEDecoder", "ByteFallback", "ByteLevel", "Fuse", "Metaspace", "Replace", "Strip", "WordPiece"],
    refused: ["CTC"],
    table: DECODERS,
  },
};

describe.each(Object.entries(TYPES))("types of %s", (section, { read, refused, table }) => {
  test("are those of the table", () => {
    expect(Object.keys(table).sort()).toEqual(read);
  });
  test.each(read)("%s has a golden case", (type) => {
    const sections = [...cases, ...decoders].map((one) => JSON.stringify(one.sections[section] ?? null));
    expect(sections.some((json) => json.includes(`"type":"${type}"`))).toBe(true);
  });
  test.each([...refused, "Other"])("%s is refused by name", (type) => {
    const ask = (): unknown => load({ [section]: { type, vocab: {} } }).decode([1]);
    expect(ask).toThrow(
      new RegExp(`tokenizer\\.json: "${section}".*type "${type}", which is not supported; supported are`),
    );
  });
});

/** Options that could change ids and are not read, each by a file that has it. Options whose every value is read are above. */
const bpe = { type: "BPE", vocab: { a: 0, b: 1, ab: 2 }, merges: ["a b"] };
const unigram = { type: "Unigram", vocab: [["<unk>", 0]], unk_id: 0 };
const split = (regex: string): Sections => {
  return { pre_tokenizer: { type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false } };
};
const REFUSED: readonly [string, Sections, RegExp][] = [
  ["an option that is not known", { normalizer: { type: "NFC", form: "D" } }, /"normalizer": unknown key "form"/],
  [
    "deep inside of sequences",
    {
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [{ type: "Sequence", pretokenizers: [{ type: "Digits", individual_digits: 1 }] }],
      },
    },
    /"pre_tokenizer\.pretokenizers\.0\.pretokenizers\.0\.individual_digits": .*expected boolean; found 1/,
  ],
  [
    "a behavior that is none",
    { pre_tokenizer: { type: "Punctuation", behavior: "Merged" } },
    /"pre_tokenizer\.behavior": .*found "Merged"/,
  ],
  ["BPE dropout", { model: { ...bpe, dropout: 0.1 } }, /"model\.dropout": .*expected 0; found 0\.1/],
  [
    "BPE continuing_subword_prefix",
    { model: { ...bpe, continuing_subword_prefix: "##" } },
    /"model\.continuing_subword_prefix": .*found "##"/,
  ],
  [
    "BPE end_of_word_suffix without unk_token",
    { model: { ...bpe, end_of_word_suffix: "</w>" } },
    /"end_of_word_suffix" is not supported without "unk_token"/,
  ],
  [
    "BPE unk_token that is no token",
    { model: { ...bpe, unk_token: "?" } },
    /"unk_token" is "\?", which is not in "vocab"/,
  ],
  [
    "BPE byte_fallback without the bytes",
    { model: { ...bpe, byte_fallback: true } },
    /"byte_fallback" is "<0x00>", which is not in "vocab"/,
  ],
  [
    "a merge of what is no token",
    { model: { ...bpe, merges: ["a b", "a c"] } },
    /merge 2 is "a c"; expected two tokens/,
  ],
  ["Unigram byte_fallback", { model: { ...unigram, byte_fallback: true } }, /"model\.byte_fallback": .*found true/],
  ["Unigram without unk_id", { model: { ...unigram, unk_id: null } }, /"model\.unk_id": .*found null/],
  [
    "an id that is none",
    { model: { ...bpe, vocab: { a: 2 ** 40 } } },
    /"model\.vocab\.a": expected an id from 0 to 2147483647; found 1099511627776/,
  ],
  [
    "two templates",
    {
      post_processor: {
        type: "Sequence",
        processors: [
          { type: "BertProcessing", sep: ["b", 1], cls: ["a", 0] },
          { type: "BertProcessing", sep: ["b", 1], cls: ["a", 0] },
        ],
      },
    },
    /"post_processor" has 2 steps that put tokens around a text/,
  ],
  [
    "a template with a token that it does not explain",
    {
      post_processor: {
        type: "TemplateProcessing",
        single: [{ SpecialToken: { id: "x", type_id: 0 } }],
        pair: [],
        special_tokens: {},
      },
    },
    /"single" has "x", which is not in "special_tokens"/,
  ],
  ["possessive quantifiers", split("a++b"), /the expression "a\+\+b" is not supported/],
  ["atomic groups", split("(?>a+)b"), /is not supported/],
  ["case-insensitive groups", split("(?i:ss)"), /is not supported/],
  ["word characters", split("\\w+"), /is not supported/],
  ["anchors", split("^a"), /is not supported/],
  ["intersections of classes", split("[a-z&&[^b]]"), /is not supported/],
  ["back-references", split("(a)\\1"), /is not supported/],
  ["an expression that cannot be read", split("(a"), /the expression "\(a" cannot be read/],
];

test.each(REFUSED)("refused: %s", (_, sections, message) => {
  expect(() => load(sections)).toThrow(message);
});

describe("files that mean harm end in an error", () => {
  const nested = (depth: number): unknown => {
    let step: unknown = { type: "NFC" };
    for (let i = 0; i < depth; i++) step = { type: "Sequence", normalizers: [step] };
    return step;
  };
  const steps = (count: number, step: object): object => ({
    type: "Sequence",
    normalizers: Array.from({ length: count }, () => step),
  });
  const doubling = { type: "Replace", pattern: { String: "a" }, content: "aa" };
  const piece = { SpecialToken: { id: "x", type_id: 0 } };

  test("steps without end", () => {
    expect(() => load({ normalizer: nested(2000) })).toThrow(/"normalizer" has more than 64 steps or 8 levels/);
    expect(() => load({ normalizer: steps(65, { type: "NFC" }) })).toThrow(/more than 64 steps/);
    const single = Array.from({ length: 200_000 }, () => piece);
    const template = { type: "TemplateProcessing", single, pair: [], special_tokens: {} };
    expect(() => load({ post_processor: template })).toThrow(/"post_processor\.single": .*<=64 items/);
  });

  test("a text that grows and grows", () => {
    const tokenizer = load({ normalizer: steps(40, doubling) });
    expect(() => tokenizer.encode("aaaa", { addSpecialTokens: true })).toThrow(
      /"normalizer": makes 512 characters of a text of 4: "aaaa"/,
    );
  });

  test("an expression that takes for ever", () => {
    const tokenizer = load(split("(a+)+b"));
    expect(() => tokenizer.encode("a".repeat(60), { addSpecialTokens: true })).toThrow(
      /"pre_tokenizer": the expression "\(a\+\)\+b", on a text of 60 characters, takes more than 2 s/,
    );
    expect(tokenizer.encode("xaab", { addSpecialTokens: true })).toHaveLength(4);
  });

  test("huge ids cost nothing", () => {
    const tokenizer = load({ model: { ...bpe, vocab: { a: 0, b: 2 ** 31 - 1, ab: 7 } } });
    expect(tokenizer.vocabSize).toBe(2 ** 31);
    expect(tokenizer.encode("abb", { addSpecialTokens: true })).toEqual([7, 2 ** 31 - 1]);
  });
});
