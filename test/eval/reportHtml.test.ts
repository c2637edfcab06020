import fc from "fast-check";
import { expect, test } from "vitest";
import { interval, number, pValue } from "../../eval/format.ts";
import type { Markup } from "../../eval/report/html.ts";
import { clean, cut, html, text } from "../../eval/report/html.ts";
import { all, parseHtml } from "../support/html.ts";

/** Of all code points few mean anything to HTML: those come often. */
const anyText = fc
  .array(
    fc.oneof(
      fc.constantFrom("&", "<", ">", '"', "'", "]]>", "<!--", "</p>"),
      fc.string({ unit: "binary", maxLength: 3 }),
    ),
  )
  .map((parts) => parts.join(""));

test("any text comes out of the page as it went in, as content and as attribute", () => {
  fc.assert(
    fc.property(anyText, (value) => {
      const [element] = all(parseHtml(html`<p title="${value}">${value}</p>`.text), "p");
      expect(element!.children).toEqual([]);
      expect(element!.text).toBe(clean(value));
      expect(element!.attributes).toEqual({ title: clean(value) });
    }),
  );
});

test("markup, lists and null", () => {
  const item = (name: string): Markup => html`<li>${name}</li>`;
  expect(html`<p>${["a<b", "c"].map(item)}${null}${1.5}</p>`.text).toBe("<p><li>a&lt;b</li><li>c</li>1.5</p>");
});

test("indentation is a template's own affair, that of texts is theirs", () => {
  const strings = Object.assign(["<p>\n    ", "\n  </p>"], { raw: [] });
  expect(html(strings, "two\n   lines").text).toBe("<p>\ntwo\n   lines\n</p>");
});

test("characters that a page cannot hold are replaced, all others stay", () => {
  expect(clean("a\u0000b\u0008c\u009fd\ud800e\n\t🙂שלום]]>")).toBe("a\uFFFDb\uFFFDc\uFFFDd\uFFFDe\n\t🙂שלום]]>");
});

test("long texts are cut between code points", () => {
  expect(cut("🙂🙂🙂", 3)).toBe("🙂🙂🙂");
  expect(cut("🙂🙂🙂🙂", 3)).toBe("🙂🙂…");
  expect(text("x".repeat(10_000)).text).toBe(`<bdi>${"x".repeat(299)}…</bdi>`);
});

test("numbers for people", () => {
  expect([0.12345, -0.00001, NaN, Infinity, -Infinity].map((value) => number(value))).toEqual([
    "0.1235",
    "0.0000",
    "n/a",
    "infinite",
    "-infinite",
  ]);
  expect([0.0005, 0.25, NaN].map(pValue)).toEqual(["< 0.001", "0.250", "n/a"]);
  expect(interval({ low: NaN, high: NaN })).toBe("n/a");
  expect(interval({ low: -1, high: 0.5 })).toBe("[-1.0000, 0.5000]");
});
