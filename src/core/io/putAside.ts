import { join } from "node:path";
import { CumaError } from "../util/index.ts";
import { listFolder } from "./files.ts";
import { exists, filesIn, move, remove, removeFolder } from "./moves.ts";
import { makeFolder } from "./write.ts";

/** Where old results are kept while new ones are made in their place. */
const OLD = ".cuma-old";
/** The same while they are moved there, or back. */
const MOVING = ".cuma-moving-old";

/**
 * Makes results in the place of old ones. Unlike `OutFolder`, for results that name each other by where they lie: the old
 * ones are kept aside until the new ones are complete. Where making fails they are put back; where the process died,
 * `putBack` does so at the next start.
 * @param names Names of the results in the folder.
 * @param isOurs Whether a path relative to the folder is of a file that may go.
 * @throws CumaError naming a file among the old results that is somebody else's, before anything is moved.
 */
export async function inPlaceOfOld<T>(
  folder: string,
  names: readonly string[],
  isOurs: (path: string) => boolean,
  make: () => Promise<T>,
): Promise<T> {
  const old = listFolder(folder).filter((name) => names.includes(name));
  const other = filesIn(folder).find((path) => old.some((name) => isAt(path, name)) && !isOurs(path));
  if (other !== undefined) {
    throw new CumaError(`${join(folder, other)}: no command has written this here; move it, or give another folder`);
  }
  makeFolder(join(folder, MOVING));
  for (const name of old) move(join(folder, name), join(folder, MOVING, name));
  move(join(folder, MOVING), join(folder, OLD));
  try {
    const made = await make();
    removeFolder(join(folder, OLD));
    return made;
  } catch (error) {
    putBack(folder, names);
    throw error;
  }
}

/** Puts old results back where the process that was to replace them has died. */
export function putBack(folder: string, names: readonly string[]): void {
  const [old, moving] = [join(folder, OLD), join(folder, MOVING)];
  if (exists(old)) {
    for (const name of names) remove(join(folder, name));
    move(old, moving);
  }
  if (!exists(moving)) return;
  for (const name of listFolder(moving)) move(join(moving, name), join(folder, name));
  remove(moving);
}

const isAt = (path: string, name: string): boolean =>
  path === name || (/^[\\/]/.test(path.slice(name.length)) && path.startsWith(name));
