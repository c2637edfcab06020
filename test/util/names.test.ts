import { expect, test } from "vitest";
import { nearest, unknownName } from "../../src/core/util/index.ts";

test("a slip of the pen is guessed, another word is not", () => {
  expect(nearest("contry", ["religion", "country"])).toBe("country");
  expect(nearest("Contry", ["COUNTRY"])).toBe("COUNTRY");
  expect(nearest("x", ["religion", "country"])).toBeUndefined();
  expect(nearest("", ["religion"])).toBeUndefined();
  expect(nearest("country", [])).toBeUndefined();
});

test("few names are listed in their order", () => {
  expect(unknownName("attribute", "contry", ["religion", "country"])).toBe(
    'unknown attribute "contry"; expected one of religion, country; did you mean "country"?',
  );
  expect(unknownName("attribute", "age", new Set())).toBe('unknown attribute "age"; there is none');
});

test("of many names the nearest are listed, then others", () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `name ${i}`);
  const message = unknownName("group", "nome 7", names);
  expect(message).toMatch(/^unknown group "nome 7"; expected one of name 7, name 0, /);
  expect(message).toMatch(/; did you mean "name 7"\? \(the 20 nearest of 100000\)$/);
  const long = Array.from({ length: 30 }, (_, i) => "x".repeat(100) + String(i));
  expect(unknownName("group", "y", long)).toMatch(/expected one of x{40}\.\.\., .* \(the 20 nearest of 30\)$/);
});

test("words of a megabyte and hostile names make a short message in which everything can be seen", () => {
  const word = "\x1b[2J\u202E".repeat(200_000);
  const message = unknownName(word, word, [word, `${word}x`, "country"]);
  expect(message).toMatch(/^unknown \\u\{1b\}\[2J\\u\{202e\}/);
  expect(message).toMatch(/^[\x20-\x7e]{1,600}$/);
});
