import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { CumaError, hasCode } from "../util/index.ts";
import { fileError } from "./files.ts";

/** Name of the file that says who writes into a folder. */
export const LOCK_FILE = "lock";

interface Owner {
  readonly pid: number;
  readonly host: string;
}

/**
 * Takes an output folder, so that no other process writes there. What a process that has died left behind is taken over.
 * @returns Gives the folder back.
 * @throws CumaError naming the process that has it.
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, LOCK_FILE);
  for (;;) {
    try {
      writeOwner(path);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw fileError(path, "cannot be written", error);
    }
    const owner = readOwner(path);
    if (owner === null || owner.host !== hostname() || isAlive(owner.pid)) {
      throw new CumaError(
        `${folder}: another run is writing here${owner ? ` (process ${owner.pid} on ${owner.host})` : ""}; if that is not so, remove ${path}`,
      );
    }
    rmSync(path, { force: true });
  }
}

/** Leaves nothing behind where the disk has no room for it. */
function writeOwner(path: string): void {
  const fd = openSync(path, "wx");
  try {
    writeSync(fd, JSON.stringify({ pid: process.pid, host: hostname() } satisfies Owner));
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

function readOwner(path: string): Owner | null {
  try {
    const { pid, host } = JSON.parse(readFileSync(path, "utf8")) as Partial<Owner>;
    return typeof pid === "number" && typeof host === "string" ? { pid, host } : null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, "EPERM");
  }
}
