import { readdirSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { differences } from "./differences.ts";

/** Lines about one file before the rest is counted only. */
const MAX_LINES = 10;

/** Compares all files of two folders by their paths, prints what differs and a line about each kind of file. @returns How many differ. */
export function compareFolders(a: string, b: string): number {
  const [left, right] = [filesOf(a), filesOf(b)];
  const paths = [...new Set([...left, ...right])].sort();
  const differing = new Map(paths.map((path) => [path, comparePath(path)]));

  function comparePath(path: string): string[] {
    if (!left.has(path) || !right.has(path)) return [`only in the ${left.has(path) ? "first" : "second"}`];
    return differences(join(a, path), join(b, path));
  }

  for (const [path, lines] of differing) {
    for (const line of lines.slice(0, MAX_LINES)) console.log(`differs: ${path}: ${line}`);
    if (lines.length > MAX_LINES) console.log(`differs: ${path}: ${lines.length - MAX_LINES} more`);
  }
  const differ = paths.filter((path) => differing.get(path)!.length > 0);
  for (const kind of new Set(paths.map(extname))) {
    const of = (all: readonly string[]): number => all.filter((path) => extname(path) === kind).length;
    console.log(`${kind}: ${of(paths)} compared, ${of(differ)} differ`);
  }
  console.log(`total: ${paths.length} compared, ${differ.length} differ`);
  return differ.length;
}

function filesOf(folder: string): Set<string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Set(entries.map(({ parentPath, name }) => relative(folder, join(parentPath, name))));
}
