import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { CumaError, hasCode } from "../util/index.ts";
import { fileError } from "./files.ts";

/** Files under a name that is not yet theirs, while they are written. */
export const TEMPORARY = /^\.cuma-[0-9a-f]{16}-\d+\.tmp$/;

/** Beside a file, and short, so that no name is too long for it that is not too long itself. */
function temporaryOf(path: string): string {
  return join(dirname(path), `.cuma-${tagOf(path)}-${process.pid}.tmp`);
}

/** A short text that stands for a file's name in its folder. */
export function tagOf(path: string): string {
  return createHash("sha256").update(basename(path)).digest("hex").slice(0, 16);
}

/** How a file is put in its place. */
export interface Placing {
  /** Whether a file that is there by then is replaced; otherwise it is an error. */
  readonly replace: boolean;
}

/**
 * Writes a file so that it is there completely or not at all: to a temporary name beside it, to the disk, then renamed.
 * A file that is replaced hands on its permissions.
 * @throws CumaError naming the file; nothing of it is left then.
 */
export function writeFileAtomic(path: string, bytes: Uint8Array, { replace }: Placing = { replace: true }): void {
  const temporary = temporaryOf(path);
  try {
    writeThrough(temporary, bytes);
    if (replace) {
      keepMode(path, temporary);
      renameSync(temporary, path);
    } else {
      placeNew(temporary, path);
    }
    syncFolder(dirname(path));
  } catch (error) {
    throw fileError(path, "cannot be written", error);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function writeThrough(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, "w");
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, Math.min(bytes.length - at, 1 << 28));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function keepMode(path: string, temporary: string): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  if (mode !== undefined) chmodSync(temporary, mode & 0o7777);
}

/** Gives a file a name that nothing has. A link is the one way that never replaces; not every file system has it. */
function placeNew(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (hasCode(error, "EEXIST")) throw new CumaError("there is such a file by now; it is left as it is");
    if (!lacksLinks(error)) throw error;
    closeSync(openSync(path, "wx"));
    renameSync(temporary, path);
  }
}

/** Whether an error of `link` says that the file system has none. */
export function lacksLinks(error: unknown): boolean {
  return ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].some((code) => hasCode(error, code));
}

/** What a JSON file of ours holds: indented, with a line end. */
export function encodeJson(content: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`);
}

/** @throws CumaError naming the file; nothing of it is left then. */
export function writeJson(path: string, content: unknown): void {
  writeFileAtomic(path, encodeJson(content));
}

/**
 * Makes a folder and those it lies in, where they are not there. (`mkdir` with `recursive` never comes back where a
 * file system takes no folders, such as /proc.)
 * @throws CumaError naming the folder.
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  try {
    for (let at = resolve(path); !isFolder(at); at = dirname(at)) missing.push(at);
    for (const folder of missing.reverse()) makeOne(folder);
  } catch (error) {
    throw fileError(path, "cannot be made", error);
  }
}

/** Whether it is a folder; false where nothing is there. */
function isFolder(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats && !stats.isDirectory()) throw new CumaError("it is a file; expected a folder");
  return stats !== undefined;
}

function makeOne(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!hasCode(error, "EEXIST") || !isFolder(path)) throw error;
  }
}

/** Brings to the disk what was appended to a file. @throws CumaError naming the file. */
export function syncFile(path: string): void {
  try {
    const fd = openSync(path, "r+");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileError(path, "cannot be written", error);
  }
}

/** Errors of file systems on which a folder cannot be synced. */
const UNSYNCABLE = ["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EBADF", "EPERM", "EACCES", "EISDIR"];

/** Makes renames inside a folder last, where the file system knows how to. */
export function syncFolder(path: string): void {
  if (process.platform === "win32") return;
  try {
    const fd = openSync(path, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!UNSYNCABLE.some((code) => hasCode(error, code))) throw error;
  }
}
