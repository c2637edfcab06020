import { existsSync, lstatSync, readlinkSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Whether two paths lead to one file, by links, by the case of letters, or as they are. */
export function isSameFile(a: string, b: string): boolean {
  const [first, second] = [numbersOf(a), numbersOf(b)];
  if (!first || !second) return resolve(a) === resolve(b);
  // Where a file system numbers nothing, all numbers are 0.
  return first.ino === 0n ? resolve(a) === resolve(b) : first.ino === second.ino && first.dev === second.dev;
}

/** By which a file system knows a file; null where there is none, or none that may be looked at. */
function numbersOf(path: string): { readonly dev: bigint; readonly ino: bigint } | null {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return null;
  }
}

const MAX_LINKS = 40;

/** Where a symbolic link leads in the end, whether something is there or not; any other path as it is. */
export function followLinks(path: string): string {
  let at = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    if (!lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) return at;
    at = resolve(dirname(at), readlinkSync(at));
  }
  return at;
}

/** The first of some paths that leads to the same file as `path`. */
export function sameAmong(path: string, others: readonly string[]): string | undefined {
  return existsSync(path) ? others.find((other) => isSameFile(path, other)) : undefined;
}
