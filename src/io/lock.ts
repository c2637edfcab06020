import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { CumaError, hasCode, messageOf } from "../util/index.ts";

/** Name of the file that says who writes into a folder. */
export const LOCK_FILE = "lock";

/**
 * Takes an output folder, so that no other process writes there. What a process that has died left behind is taken over.
 * @returns Gives the folder back.
 * @throws CumaError naming the process that has it.
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, LOCK_FILE);
  for (;;) {
    try {
      const fd = openSync(path, "wx");
      writeSync(fd, JSON.stringify({ pid: process.pid, host: hostname() }));
      closeSync(fd);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (!hasCode(error, "EEXIST")) {
        throw new CumaError(`${path}: cannot be written: ${messageOf(error)}`, { cause: error });
      }
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

function readOwner(path: string): { pid: number; host: string } | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as { pid: number; host: string };
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
