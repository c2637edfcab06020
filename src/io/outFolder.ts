import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CumaError } from "../util/index.ts";
import { fileError, listFolder } from "./files.ts";
import { LOCK_FILE, lockFolder } from "./lock.ts";

/** What is done with what stands in an output folder: it must be empty, is replaced, or is gone on with. */
export type OutMode = "new" | "overwrite" | "resume";

/**
 * Takes a folder for results, so that nothing else writes there.
 * @param ours Names of what the command writes; "overwrite" removes these and no others.
 * @returns Gives the folder back.
 * @throws CumaError where another process has it, where it is not empty, or where it cannot be made.
 */
export function takeFolder(path: string, mode: OutMode, ours: RegExp): () => void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw fileError(path, "cannot be made", error);
  }
  const unlock = lockFolder(path);
  try {
    const names = listFolder(path).filter((name) => name !== LOCK_FILE);
    if (mode === "new" && names.length > 0) {
      throw new CumaError(
        `${path}: the output folder is not empty (${names.slice(0, 3).join(", ")}); give another folder, --overwrite to replace what a run has left here, or --resume (train, eval) to go on with it`,
      );
    }
    if (mode === "overwrite") for (const name of names) if (ours.test(name)) remove(join(path, name));
    return unlock;
  } catch (error) {
    unlock();
    throw error;
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true });
  } catch (error) {
    throw fileError(path, "cannot be removed", error);
  }
}
