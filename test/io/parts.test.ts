import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { PartsFile } from "../../src/core/io/index.ts";
import { CumaError } from "../../src/core/util/index.ts";

const root = mkdtempSync(join(tmpdir(), "cuma-parts-"));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

let files = 0;
const fresh = (): string => join(root, `${files++}.jsonl`);
const isWhole = (key: string, found: unknown): found is number => key.length === 1 && typeof found === "number";
const work = { work: "count", identity: { base: "demo" }, isWhole };

function open(path: string, of = work) {
  const said: string[] = [];
  const { file, parts } = PartsFile.open(path, of, (message) => said.push(message));
  return { file, parts: Object.fromEntries(parts), said };
}

/** The lines of a file of three parts: its first one, and the parts'. */
function linesOf(found: Readonly<Record<string, number>> = { a: 1, b: 2, c: 3 }): string[] {
  const path = fresh();
  const { file } = open(path);
  for (const [key, value] of Object.entries(found)) file.append(key, value);
  return readFileSync(path, "utf8").trimEnd().split("\n");
}

function fileOf(lines: readonly string[]): string {
  const path = fresh();
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

test("parts are found by their keys, in whatever order their lines stand", () => {
  const [head, ...lines] = linesOf();
  fc.assert(
    fc.property(fc.shuffledSubarray(lines), (some) => {
      const { parts, said } = open(fileOf([head!, ...some]));
      expect(Object.keys(parts)).toEqual(some.map((line) => (JSON.parse(line) as { key: string }).key));
      for (const [key, value] of Object.entries(parts)) expect(value).toBe({ a: 1, b: 2, c: 3 }[key]);
      expect(said).toEqual([]);
    }),
  );
});

test("a part that is there twice counts once", () => {
  const [head, a, b] = linesOf();
  const path = fileOf([head!, a!, b!, a!]);
  expect(open(path)).toMatchObject({ parts: { a: 1, b: 2 }, said: [] });
  expect(readFileSync(path, "utf8")).toBe(`${[head, a, b].join("\n")}\n`);
});

test("of parts that disagree none is used, and both are named", () => {
  const [head, a, b] = linesOf();
  const other = linesOf({ a: 5 })[1]!;
  const path = fileOf([head!, a!, b!, other, a!]);
  const { parts, said, file } = open(path);
  expect(parts).toEqual({ b: 2 });
  expect(said).toEqual([`${path}:4: has other results than line 2 for the same part; both are asked again`]);
  file.append("a", 7);
  expect(open(path)).toMatchObject({ parts: { b: 2, a: 7 }, said: [] });
});

describe("refuses", () => {
  const refused = (first: string, ...lines: string[]): { path: string; call: () => unknown } => {
    const path = fileOf([first, ...lines]);
    return { path, call: () => open(path) };
  };

  test("parts of other work, naming what differs, and leaves them as they are", () => {
    const path = fileOf(linesOf());
    const before = readFileSync(path);
    const other = { ...work, identity: { base: "other" } };
    const message = 'belongs to another count: base: "demo" in the folder, "other" now; give --overwrite to start anew';
    expect(() => open(path, other)).toThrow(new CumaError(`${path}: ${message}`));
    expect(readFileSync(path)).toEqual(before);
  });

  test("a file whose lines have numbers instead of keys", () => {
    const { path, call } = refused('{"base":"demo"}', '{"of":"1234567890abcdef","chunk":0,"found":1}');
    expect(call).toThrow(`${path}: belongs to another count: layout: nothing in the folder, "lines by key" now`);
  });

  test("a file that is something else", () => {
    const { path, call } = refused("notes");
    expect(call).toThrow(`${path}: belongs to another count; give --overwrite to start anew`);
  });
});
