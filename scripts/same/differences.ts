/** What differs between two files of one name, told by what they hold. */
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { tableFromIPC, type Table } from "apache-arrow";
import { readParquet } from "parquet-wasm";
import { SafetensorsFile } from "../../src/core/checkpoint/index.ts";
import { masked } from "./mayDiffer.ts";

/** Finds what differs, apart from what may; of files whose bytes are not equal. */
type Differ = (a: string, b: string) => string[];

const differs: Readonly<Record<string, Differ>> = {
  ".json": jsonDifferences((text) => JSON.parse(text)),
  ".jsonl": jsonDifferences((text) =>
    text
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line)),
  ),
  ".safetensors": tensorDifferences,
  ".parquet": columnDifferences,
};

/** What differs between two files, apart from what may; a line for each. None where they are the same. */
export function differences(a: string, b: string): string[] {
  if (readFileSync(a).equals(readFileSync(b))) return [];
  return (differs[extname(a)] ?? textDifferences)(a, b);
}

function textDifferences(a: string, b: string): string[] {
  const [left, right] = [a, b].map((path) => masked(readFileSync(path, "utf8")).split("\n")) as [string[], string[]];
  const at = left.findIndex((line, i) => line !== right[i]);
  if (at < 0) return left.length === right.length ? [] : [`${right.length - left.length} lines more at the end`];
  return [`line ${at + 1}: ${change(left[at], right[at])}`];
}

function jsonDifferences(parse: (text: string) => unknown): Differ {
  return (a, b) => {
    const [left, right] = [a, b].map((path) => masked(readFileSync(path, "utf8"))) as [string, string];
    if (left === right) return [];
    const changes = leafChanges(leaves(parse(left)), leaves(parse(right)));
    return changes.length > 0 ? changes : ["the same values in another order, or spaced in another way"];
  };
}

function tensorDifferences(a: string, b: string): string[] {
  const files = [SafetensorsFile.open(a), SafetensorsFile.open(b)] as const;
  const [left, right] = files;
  try {
    const names = new Set([...left.names, ...right.names]);
    const found = [...names].flatMap((name) => {
      if (!left.has(name) || !right.has(name))
        return [`tensor ${name}: only in ${left.has(name) ? "the first" : "the second"}`];
      const [x, y] = [left.read(name), right.read(name)];
      if (String(x.shape) !== String(y.shape)) return [`tensor ${name}: shape ${change(x.shape, y.shape)}`];
      const gap = largestGap(x.data, y.data);
      return gap > 0 ? [`tensor ${name}: by at most ${gap}`] : [];
    });
    return inAll(found, left.metadata, right.metadata);
  } finally {
    for (const file of files) file.close();
  }
}

function columnDifferences(a: string, b: string): string[] {
  const [left, right] = [a, b].map((path) => tableFromIPC(readParquet(readFileSync(path)).intoIPCStream())) as [
    Table,
    Table,
  ];
  if (left.numRows !== right.numRows) return [`rows: ${change(left.numRows, right.numRows)}`];
  const types = [left, right].map(({ schema }) => new Map(schema.fields.map(({ name, type }) => [name, String(type)])));
  const [leftTypes, rightTypes] = types as [Map<string, string>, Map<string, string>];
  const found = [...new Set([...leftTypes.keys(), ...rightTypes.keys()])].flatMap((name) => {
    const [was, is] = [leftTypes.get(name), rightTypes.get(name)];
    if (was !== is) return [`column ${name}: type ${change(was, is)}`];
    const [x, y] = [cells(left, name), cells(right, name)];
    const rows = x.filter((cell, i) => JSON.stringify(cell) !== JSON.stringify(y[i])).length;
    return rows > 0
      ? [`column ${name}: in ${rows} of ${x.length} rows, by at most ${largestGap(numbers(x), numbers(y))}`]
      : [];
  });
  return inAll(found, Object.fromEntries(left.schema.metadata), Object.fromEntries(right.schema.metadata));
}

type Metadata = Readonly<Record<string, string>>;

/**
 * Differences of what a file holds, and of its metadata. Where there are none, only metadata that may differ explains other
 * bytes.
 */
function inAll(held: readonly string[], left: Metadata, right: Metadata): string[] {
  const [first, second] = [left, right].map((metadata) =>
    Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, masked(value)])),
  );
  const found = [...held, ...leafChanges(leaves(first), leaves(second)).map((what) => `metadata ${what}`)];
  const isExplained = JSON.stringify(left) !== JSON.stringify(right);
  return found.length > 0 || isExplained ? found : ["the same content in other bytes"];
}

/** A column's cells, as JSON has them. */
function cells(table: Table, name: string): unknown[] {
  return Array.from(table.getChild(name)!, plain);
}

function plain(cell: unknown): unknown {
  if (typeof cell === "bigint") return Number(cell);
  const isList = typeof cell === "object" && cell !== null && Symbol.iterator in cell;
  return isList ? Array.from(cell as Iterable<unknown>, plain) : cell;
}

function numbers(values: readonly unknown[]): number[] {
  return values.flat(Infinity).map((value) => (typeof value === "number" ? value : 0));
}

function largestGap(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let gap = 0;
  for (let i = 0; i < x.length; i++) gap = Math.max(gap, Math.abs(x[i]! - y[i]!));
  return gap;
}

/** The values inside of a value, by their paths. */
function leaves(value: unknown, path = "", into = new Map<string, unknown>()): Map<string, unknown> {
  const inside = typeof value === "object" && value !== null ? Object.entries(value) : [];
  if (inside.length === 0) return into.set(path, value);
  for (const [key, child] of inside) leaves(child, path === "" ? key : `${path}.${key}`, into);
  return into;
}

function leafChanges(left: ReadonlyMap<string, unknown>, right: ReadonlyMap<string, unknown>): string[] {
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((path) => {
    const [was, is] = [left.get(path), right.get(path)];
    return JSON.stringify(was) === JSON.stringify(is) ? [] : [`${path}: ${change(was, is)}`];
  });
}

/** @param was Undefined where it is not there, as `is` is. */
function change(was: unknown, is: unknown): string {
  const told = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value).slice(0, 160));
  return `${told(was)} became ${told(is)}`;
}
