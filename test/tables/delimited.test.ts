import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { CSV, delimited, openDelimited } from "../../src/core/tables/delimited.ts";
import { fieldRows } from "../../src/core/tables/fieldRows.ts";
import { delimitedLine, quoteField } from "../../src/core/tables/quoting.ts";

const root = mkdtempSync(join(tmpdir(), "cuma-delimited-"));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
let files = 0;
function write(text: string): string {
  const path = join(root, `${files++}.csv`);
  writeFileSync(path, text);
  return path;
}
async function* pieces(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield await Promise.resolve(text.slice(at, at + size));
}

test.each([",", "\t"])("what is written with %j is read", async (delimiter) => {
  const field = fc.string({ unit: fc.constantFrom(...Array.from("ab \",;\t\r\n'#ü")) });
  const rows = fc.array(fc.array(field, { minLength: 3, maxLength: 3 }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 7 }), async (given, size) => {
      const text = given.map((row) => delimitedLine(row, delimiter)).join("");
      const found: (readonly string[])[] = [];
      for await (const { fields } of fieldRows("x.csv", pieces(text, size), { delimiter })) found.push(fields);
      expect(found).toEqual(given);
    }),
  );
});

test("a field is quoted where it has to be, or where it is asked for", () => {
  expect(["a b", " a", "#a", "a,b", 'a"b', "a\rb", ""].map((text) => quoteField(text, ","))).toEqual([
    "a b",
    " a",
    "#a",
    '"a,b"',
    '"a""b"',
    '"a\rb"',
    "",
  ]);
  expect(quoteField("a,b", "\t")).toBe("a,b");
  expect(quoteField("#a", ",", /^#/)).toBe('"#a"');
});

describe("lines", () => {
  const linesOf = async (text: string, options: { skipFirstLine?: boolean } = {}): Promise<number[]> => {
    const lines: number[] = [];
    for await (const { line } of delimited(write(text), { delimiters: CSV, ...options })) lines.push(line);
    return lines;
  };

  test("are those of the file: of a row's end, after empty lines, and after a first line that is no header", async () => {
    expect(await linesOf('a,b\n1,"2\n3"\n\n4,5\n')).toEqual([3, 5]);
    expect(await linesOf("# first\na,b\n1,2\n", { skipFirstLine: true })).toEqual([3]);
  });

  test("of a row that is wrong are named", async () => {
    await expect(linesOf("a,b\n1,2\n\n3\n")).rejects.toThrow(":4: expected 2 fields, as in the header; found 1");
    await expect(linesOf('# first\na,b\n1,2\n"3,4\n', { skipFirstLine: true })).rejects.toThrow(
      ": row 2: Quote Not Closed",
    );
    await expect(linesOf('# first\na,b\n1,2\n3,4"5\n6,7\n', { skipFirstLine: true })).rejects.toThrow(
      ":4: Invalid Opening Quote",
    );
    await expect(linesOf("a\n1,2\n")).rejects.toThrow("found 2 (are they separated otherwise?)");
  });
});

test("the separator is the first under which the header has the columns", async () => {
  const path = write("x;a,b\n1;2\n");
  expect((await openDelimited(path, { delimiters: CSV, columns: ["x"] })).header).toEqual(["x", "a,b"]);
  await expect(openDelimited(path, { delimiters: [","], columns: ["x"] })).rejects.toThrow(
    `${path}: header: expected the columns x; found`,
  );
});
