import { describe, expect, test } from "vitest";
import { readYaml, type YamlValue } from "../../src/core/config/yaml.ts";

const read = (text: string): YamlValue => readYaml(text, (line) => `x.yaml:${line}`);
const valueOf = (text: string): unknown => read(text).value;
const refused = (text: string): string => {
  try {
    return `read: ${JSON.stringify(valueOf(text))}`;
  } catch (error) {
    return (error as Error).message;
  }
};

describe("merge keys and anchors", () => {
  test.each<[string, string, unknown]>([
    ["a map", "a: &a { x: 1, y: 2 }\nb: { <<: *a, y: 3 }", { a: { x: 1, y: 2 }, b: { x: 1, y: 3 } }],
    ["after the map's own keys", "a: &a { x: 1 }\nb:\n  x: 2\n  <<: *a", { a: { x: 1 }, b: { x: 2 } }],
    [
      "a list: earlier ones win",
      "- &a { x: 1 }\n- &b { x: 2, y: 2 }\n- { <<: [*a, *b] }",
      [{ x: 1 }, { x: 2, y: 2 }, { x: 1, y: 2 }],
    ],
    [
      "one that merges itself",
      "- &a { x: 1 }\n- &b { <<: *a, y: 2 }\n- <<: *b",
      [{ x: 1 }, { x: 1, y: 2 }, { x: 1, y: 2 }],
    ],
    ["a map of its own", "<<: { x: 1 }\ny: 2", { x: 1, y: 2 }],
    ["in quotes it is a key", '"<<": 1', { "<<": 1 }],
    ["an anchor set anew", "- &a 1\n- *a\n- &a 2\n- *a", [1, 1, 2, 2]],
    ["of a key", "&k x: *k", { x: "x" }],
    ["a key by name that every object has", "__proto__: 1", JSON.parse('{ "__proto__": 1 }')],
  ])("%s", (_, text, value) => {
    expect(valueOf(text)).toEqual(value);
  });

  test("merged parts stand where they were written", () => {
    const { parts } = read("base: &b\n  lr: 1\ntrain:\n  <<: *b\n  seed: 2\n");
    const train = parts.get("train")!;
    expect([train.line, train.parts.get("lr")!.line, train.parts.get("seed")!.line]).toEqual([3, 2, 5]);
  });
});

test("plain values are those of YAML 1.2", () => {
  expect(
    valueOf(
      "{ a: no, b: yes, c: on, d: 1_000, e: 1e-4, f: 2026-01-01, g: 1:30, h: ~, i: 0x10, j: 0o17, k: .inf, l: '5' }",
    ),
  ).toEqual({
    ...{ a: "no", b: "yes", c: "on", d: "1_000", e: 1e-4, f: "2026-01-01", g: "1:30", h: null, i: 16, j: 15 },
    ...{ k: Infinity, l: "5" },
  });
});

test.each([
  ["a byte order mark and line ends of Windows", "\uFEFFa: 1\r\nb:\r\n  - 2\r\n", { a: 1, b: [2] }],
  ["JSON", '{\n\t"a": [1, true, null, "x\\u00e9"],\n\t"b": {}\n}\n', { a: [1, true, null, "xé"], b: {} }],
  ["nothing", "", null],
  ["a comment", "# nothing\n", null],
  ["a document's marks", "---\na: 1\n...\n", { a: 1 }],
])("%s", (_, text, value) => {
  expect(valueOf(text)).toEqual(value);
});

describe("refused by name", () => {
  test.each([
    ["a key twice", "a: 1\nb: 2\na: 3", 'x.yaml:3: the key "a" comes twice in one map'],
    ["a key twice, as number and text", '{ 1: a, "1": b }', 'x.yaml:1: the key "1" comes twice in one map'],
    ["two merge keys", "<<: {}\n<<: {}", 'x.yaml:2: the key "<<" comes twice in one map'],
    ["a merged number", "a: 1\n<<: 5", 'x.yaml:2: expected a map, or a list of maps, after "<<"'],
    ["a map as key", "a: 1\n? { b: 1 }\n: 2", "x.yaml:2: expected a text as key; found a map or a list"],
    ["an alias of nothing", "a: 1\nb: *c", 'x.yaml:2: nothing before "*c" has the anchor "&c"'],
    ["an alias inside itself", "a: &a\n  b: *a", 'x.yaml:2: "*a" stands inside of what it repeats'],
    ["a merge inside itself", "a: &a\n  <<: *a", 'x.yaml:2: "*a" stands inside of what it repeats'],
    ["two documents", "a: 1\n---\nb: 2", 'x.yaml:2: expected one document; found another one after "---"'],
    ["YAML 1.1", "%YAML 1.1\n---\na: yes", "x.yaml:1: expected YAML 1.2; found %YAML 1.1"],
    ["a tag of others", "a: 1\nb: !env LR", "x.yaml:2: Unresolved tag: !env"],
    [
      "an octal number of YAML 1.1",
      "a: 010",
      "x.yaml:1: expected a number without leading zeros, which some read as octal; found 010",
    ],
    ["tabs", "a:\n\tb: 1", "x.yaml:2: Tabs are not allowed as indentation"],
  ])("%s", (_, text, message) => {
    expect(refused(text)).toBe(message);
  });

  const doubled = (line: (before: string) => string): string =>
    [
      "a0: &a0 { x: 1, y: [1, 2] }",
      ...Array.from({ length: 60 }, (_, i) => `a${i + 1}: &a${i + 1} ${line(`*a${i}`)}`),
    ].join("\n");
  test.each([
    [
      "aliases of aliases",
      doubled((before) => `[${before}, ${before}]`),
      /^x\.yaml:\d+: aliases repeat more than 10,000 values$/,
    ],
    [
      "merges of merges",
      doubled((before) => `{ <<: [${before}, ${before}] }`),
      /^x\.yaml:\d+: aliases repeat more than 10,000 values$/,
    ],
    [
      "20,000 lists inside of each other",
      `a: ${"[".repeat(20_000)}${"]".repeat(20_000)}`,
      /^x\.yaml:1: is nested deeper than 100$/,
    ],
    ["20,000 dashes", `${"- ".repeat(20_000)}x`, /^x\.yaml:1: is nested deeper than 100$/],
    ["a long name", `a: *${"b".repeat(1e5)}`, /^x\.yaml:1: .{1,300}$/],
  ])("%s", (_, text, message) => {
    expect(refused(text)).toMatch(message);
  });

  test("130,000 keys are read, and those that come twice found", () => {
    const keys = Array.from({ length: 130_000 }, (_, i) => `k${i}: 1`);
    expect(refused([...keys, "k7: 1"].join("\n"))).toBe('x.yaml:130001: the key "k7" comes twice in one map');
  });
});
