import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { CumaError, UsageError } from "../util/index.ts";
import { fileError, kindOf } from "./files.ts";
import { Lock } from "./lock.ts";
import { followLinks, sameAmong } from "./paths.ts";
import { encodeJson, makeFolder, tagOf, writeFileAtomic } from "./write.ts";

export interface OutFileOptions {
  readonly overwrite: boolean;
  /** Files that the result is made from. None of them can be the output. */
  readonly inputs: readonly string[];
}

/**
 * Makes a result and writes it to a file. The file is checked and claimed before the work, so that of two commands that
 * write it at once the second is refused, and it is written when the result is complete. A symbolic link is followed.
 * @param path Null: nothing is written.
 * @returns What `make` gives.
 * @throws CumaError where the file is there and `overwrite` is not given, is no file, or cannot be written; UsageError
 * where it is an input.
 */
export async function intoFile<T>(
  path: string | null,
  { overwrite, inputs }: OutFileOptions,
  make: () => Promise<T>,
  encode: (result: T) => Uint8Array = encodeJson,
): Promise<T> {
  if (path === null) return make();
  const target = findTarget(path, inputs);
  const folder = dirname(target);
  makeFolder(folder);
  const tag = tagOf(target);
  const lock = Lock.take(join(folder, `.cuma-${tag}.lock`), path);
  try {
    removeLeftovers(folder, tag);
    if (!overwrite && existsSync(target)) {
      throw new CumaError(`${path}: there is such a file already; give --overwrite to replace it, or another name`);
    }
    const result = await make();
    lock.check();
    writeFileAtomic(target, encode(result), { replace: overwrite });
    return result;
  } finally {
    lock.release();
  }
}

/** Where the file is really written. @throws CumaError where that is no file; UsageError where it is an input. */
function findTarget(path: string, inputs: readonly string[]): string {
  let target: string;
  let stats;
  try {
    target = followLinks(path);
    stats = statSync(target, { throwIfNoEntry: false });
  } catch (error) {
    throw fileError(path, "cannot be written", error);
  }
  if (!stats) return target;
  if (stats.isDirectory()) throw new CumaError(`${path}: it is a folder; expected a file to write`);
  if (!stats.isFile()) throw new CumaError(`${path}: it is ${kindOf(stats)}; expected a file to write`);
  const input = sameAmong(target, inputs);
  if (input !== undefined) throw new UsageError(`${path}: is both read (${input}) and written; give another name`);
  return target;
}

/** What commands that died while they wrote this file have left. */
function removeLeftovers(folder: string, tag: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(`.cuma-${tag}-`) && name.endsWith(".tmp")) rmSync(join(folder, name), { force: true });
  }
}
