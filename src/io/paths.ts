import { existsSync, lstatSync, readlinkSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { CumaError } from "../util/index.ts";

/**
 * A path as a user writes it: `~` and what begins with `~/` lie in the home folder.
 * @throws CumaError where `~` is used and there is no home folder.
 */
export function expandHome(path: string): string {
  if (path !== "~" && !/^~[/\\]/.test(path)) return path;
  return join(homeFolder(path), path.slice(1));
}

/**
 * The user's home folder.
 * @param what What lies in it, for the message.
 * @throws CumaError where the system knows of none: HOME is not set, and the user is in no list of users.
 */
export function homeFolder(what: string): string {
  let home: string;
  try {
    home = homedir();
  } catch (error) {
    throw new CumaError(`${what}: there is no home folder: HOME is not set, and the user is unknown`, { cause: error });
  }
  if (home === "") throw new CumaError(`${what}: there is no home folder: HOME is empty`);
  return home;
}

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
