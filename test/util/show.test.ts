import fc from "fast-check";
import { expect, test } from "vitest";
import { excerpt, show, visible, visibleJson, visibleLines } from "../../src/core/util/index.ts";

test("values are shown as JSON has them", () => {
  for (const value of [null, true, 1.5, "a", [1, [2, "b"]], { k: 1, l: { m: [] } }]) {
    expect(show(value)).toBe(JSON.stringify(value));
  }
  expect(show(undefined)).toBe("nothing");
});

test("values that JSON does not have", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  expect(show({ k: [undefined] })).toBe('{"k":[nothing]}');
  expect(show({ k: 1n })).toBe('{"k":1}');
  expect(show(Symbol("s"))).toBe("Symbol(s)");
  expect(show(show)).toBe("a function");
  expect(show(NaN)).toBe("NaN");
  expect(show(Int8Array.of(1, -2))).toBe("[1,-2]");
  expect(show(new Date(0))).toBe("1970-01-01T00:00:00.000Z");
  expect(show(cycle).length).toBeLessThanOrEqual(103);
  const deep = JSON.parse("[".repeat(50_000) + "]".repeat(50_000)) as unknown;
  expect(show(deep)).toMatch(/^\[+\.\.\.\]+$/);
});

test("characters that act are shown by their codes", () => {
  expect(visible("a\x1b[2J\u202Eb\u0085\n")).toBe("a\\u{1b}[2J\\u{202e}b\\u{85}\\u{a}");
  expect(show({ "\x1b]0;x\x07": "\u200F" })).toBe('{"\\u001b]0;x\\u0007":"\\u{200f}"}');
  expect(visible("ä 日本 👍")).toBe("ä 日本 👍");
  expect(visible("\u00AD\u{E0041}\u2028\uD800")).toBe("\\u{ad}\\u{e0041}\\u{2028}\\u{d800}");
  expect(visibleLines("a\tb\r\n\x1bc")).toBe("a\tb\\u{d}\n\\u{1b}c");
});

test("JSON in which every character can be seen is equal in value", () => {
  expect(visibleJson(["\x9b2J\u202E\u{E0041}"])).toBe('[\n  "\\u009b2J\\u202e\\udb40\\udc41"\n]');
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary", maxDepth: 1 }), (value) => {
      const text = visibleJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(text).toBe(visibleLines(text));
    }),
  );
});

test("of much only the beginning is shown", () => {
  expect(show("x".repeat(1e6))).toBe(`"${"x".repeat(99)}...`);
  expect(excerpt("👍".repeat(100), 3)).toBe("👍...");
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withTypedArray: true }), fc.nat(200), (value, most) => {
      const text = show(value, most);
      expect(text.length).toBeLessThanOrEqual(Math.max(most, "nothing".length) + 3);
      expect(text).toBe(visible(text));
    }),
  );
});
