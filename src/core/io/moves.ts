/** Moving and removing so that a process may die between any two steps. */
import { lstatSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileError, listFolder } from "./files.ts";
import { syncFolder, TEMPORARY } from "./write.ts";

/** A folder that is not complete yet, before it gets its name. */
export const PARTIAL = ".cuma-partial";
/** What is being removed. */
const REMOVED = ".cuma-removed";

/** Removes what processes that died have left half-made or half-removed. */
export function removeLeftovers(folder: string): void {
  for (const name of listFolder(folder)) {
    if (name === REMOVED || name === PARTIAL || TEMPORARY.test(name)) remove(join(folder, name));
  }
}

/** Removes a folder so that it is there completely or not at all under its name. */
export function removeFolder(path: string): void {
  const removed = join(dirname(path), REMOVED);
  remove(removed);
  if (!exists(path)) return;
  move(path, removed);
  remove(removed);
}

export function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Paths of all files in a folder, relative to it, sorted. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** Renames, and makes it last. */
export function move(from: string, to: string): void {
  try {
    renameSync(from, to);
    syncFolder(dirname(to));
  } catch (error) {
    throw fileError(to, "cannot be written", error);
  }
}

/** Removes a file or a folder, if it is there. */
export function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    throw fileError(path, "cannot be removed", error);
  }
}
