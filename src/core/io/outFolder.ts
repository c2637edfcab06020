import { lstatSync, rmdirSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { CumaError, excerpt, hasCode } from "../util/index.ts";
import { fileError, listFolder } from "./files.ts";
import { isLockFile, Lock, LOCK_FILE } from "./lock.ts";
import { exists, filesIn, move, remove, removeFolder, removeLeftovers } from "./moves.ts";
import { sameAmong } from "./paths.ts";
import { makeFolder } from "./write.ts";

/** What is done with what stands in an output folder: it must be empty, is replaced, or is gone on with. */
export type OutMode = "new" | "overwrite" | "resume";

/** What a command makes of an output folder. */
export interface OutKind {
  /**
   * Files and folders of the command's that are in a folder, by names and what is in them: paths relative to the folder.
   * What is not among them is never touched, unless a new file has its very name.
   */
  readonly ours: (folder: string) => readonly string[];
  /** The file whose presence says that a result is complete: the first to go and the last to come. */
  readonly last: string;
  /** Whether a new result, too, is made aside and appears when it is complete. */
  readonly aside?: boolean;
  /** Files that the result is made from. None of them can be written. */
  readonly inputs?: readonly string[];
}

/** Where a new result is made, beside the old one. */
const NEW = ".cuma-new";
/** The same when it is complete, and the old one goes. */
const REPLACING = ".cuma-replacing";
/** The same when the old one is gone, and it takes its place. */
const MOVING = ".cuma-moving";
/** Longest of the names that are made inside a folder, with room. */
const LONGEST_INSIDE = 120;

/**
 * A folder for results, which nothing else writes as long as it is held.
 *
 * With mode "overwrite" the new result is made in `.cuma-new` inside it. When it is complete that folder is renamed, which
 * is the moment at which the new result is there; then the old one goes and the new one takes its place. Where a process
 * dies between, the next one that takes the folder does the rest; where it dies or fails before, the old result is as it
 * was, and "resume" goes on with the new one.
 */
export class OutFolder {
  readonly path: string;
  private readonly mode: OutMode;
  private readonly kind: OutKind;
  private readonly lock: Lock;
  private aside: boolean;
  private begun = false;

  private constructor(path: string, mode: OutMode, kind: OutKind, lock: Lock) {
    [this.path, this.mode, this.kind, this.lock] = [path, mode, kind, lock];
    this.finishExchange();
    this.aside = mode === "resume" ? exists(join(path, NEW)) : mode === "overwrite" || kind.aside === true;
    removeLeftovers(path);
    if (mode === "resume") removeLeftovers(this.dir);
  }

  /**
   * Takes a folder, which is made where there is none.
   * @throws CumaError where another process has it, where it is not empty, or where it cannot be made or written.
   */
  static take(path: string, mode: OutMode, kind: OutKind): OutFolder {
    checkLength(path);
    makeFolder(path);
    const lock = Lock.take(join(path, LOCK_FILE), path);
    try {
      const folder = new OutFolder(path, mode, kind, lock);
      folder.checkContent();
      return folder;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Where the result is made. */
  get dir(): string {
    return this.aside ? join(this.path, NEW) : this.path;
  }

  /** Begins the result, when everything that it needs has been checked. With "resume", what is there stays. */
  begin(): void {
    if (!this.aside || this.mode === "resume") return;
    this.startAside();
  }

  /** Makes what follows beside what is in the folder, which stays until `complete`. */
  startAside(): void {
    [this.aside, this.begun] = [true, true];
    removeFolder(this.dir);
    makeFolder(this.dir);
  }

  /** Puts a result that is complete in the place of the old one. */
  complete(): void {
    this.lock.check();
    if (!this.aside) return;
    this.checkRoom();
    move(this.dir, join(this.path, REPLACING));
    this.finishExchange();
    this.aside = false;
  }

  /** @throws CumaError where the folder was moved, removed or taken over meanwhile. */
  check(): void {
    this.lock.check();
  }

  /** Gives the folder back, without what cannot be gone on with. */
  release(): void {
    try {
      if (this.kind.aside && this.begun) remove(join(this.path, NEW));
    } finally {
      this.lock.release();
    }
  }

  private checkContent(): void {
    const { ours, inputs = [], aside = false } = this.kind;
    if (this.mode === "new") checkEmpty(this.path, aside ? [NEW] : []);
    for (const name of ours(this.path)) {
      const input = sameAmong(join(this.path, name), inputs);
      if (input !== undefined) {
        throw new CumaError(`${this.path}: ${input} is read, and would be replaced; give another output folder`);
      }
    }
  }

  /** Makes sure, while the old result is there, that nothing of the user's is in the way of the new one. */
  private checkRoom(): void {
    for (const name of filesIn(this.dir)) {
      const path = join(this.path, name);
      makeFolder(dirname(path));
      if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) {
        throw new CumaError(`${path}: cannot be written: it is a folder; expected a file`);
      }
    }
  }

  /** Goes on with the exchange of an old result for a new one from wherever it stopped. */
  private finishExchange(): void {
    const [replacing, moving] = [join(this.path, REPLACING), join(this.path, MOVING)];
    if (exists(replacing)) {
      const old = this.kind.ours(this.path);
      for (const name of lastFirst(old, this.kind.last)) remove(join(this.path, name));
      for (const name of old) removeEmpty(this.path, dirname(name));
      move(replacing, moving);
    }
    if (!exists(moving)) return;
    for (const name of lastFirst(filesIn(moving), this.kind.last).reverse()) {
      makeFolder(dirname(join(this.path, name)));
      move(join(moving, name), join(this.path, name));
    }
    removeFolder(moving);
  }
}

/**
 * @param except Names that do not count.
 * @throws CumaError where a locked folder holds something.
 */
export function checkEmpty(path: string, except: readonly string[] = []): void {
  const names = listFolder(path).filter((name) => !isLockFile(name) && !except.includes(name));
  if (names.length === 0) return;
  throw new CumaError(
    `${path}: the output folder is not empty (${excerpt(names.slice(0, 3).join(", "))}); give another folder, --overwrite to replace what a run has left here, or --resume (train, eval) to go on with it`,
  );
}

/** Finds a path that is too long for what will be made inside before any work is done. */
function checkLength(path: string): void {
  try {
    lstatSync(join(path, "x".repeat(LONGEST_INSIDE)), { throwIfNoEntry: false });
  } catch (error) {
    if (hasCode(error, "ENAMETOOLONG")) throw fileError(path, "cannot be made", error);
  }
}

function lastFirst(names: readonly string[], last: string): string[] {
  return [...names].sort((a, b) => Number(b === last) - Number(a === last));
}

/** Removes folders above what was removed, as far as nothing is in them. */
function removeEmpty(root: string, folder: string): void {
  if (folder === ".") return;
  try {
    rmdirSync(join(root, folder));
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOENT", "ENOTDIR"].some((code) => hasCode(error, code))) throw error;
    return;
  }
  removeEmpty(root, folder.split(sep).slice(0, -1).join(sep) || ".");
}
