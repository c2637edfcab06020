import { randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname, uptime } from "node:os";
import { basename, dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { CumaError, excerpt, hasCode } from "../util/index.ts";
import { fileError } from "./files.ts";
import { lacksLinks } from "./write.ts";

/** Name of the file that says who writes into a folder. */
export const LOCK_FILE = "lock";

/** Time between two signs of life of a lock's owner. */
const BEAT_MS = 2_000;
/** How long a lock is watched for a sign of life where nothing else tells whether its owner is there. */
const WATCH_MS = 10_000;
/** A lock that says nothing is one being written, or one whose writing was cut off, after so long. */
const EMPTY_MS = 5_000;

/** Who holds a lock. What the system does not tell is null, or absent in locks of other versions. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Number of the system's start. */
  readonly boot?: string | null;
  /** Number of the space of process ids: of a container. */
  readonly space?: string | null;
  /** When the process was started, in ticks since the system's start: ids come again, and soon in containers. */
  readonly started?: string | null;
  readonly token?: string;
}

/** Another process has what was to be taken. */
export class LockedError extends CumaError {}

const self = {
  pid: process.pid,
  host: hostname(),
  boot: readOrNull("/proc/sys/kernel/random/boot_id"),
  space: linkOrNull("/proc/self/ns/pid"),
  started: startOf("self"),
} as const satisfies Owner;

/**
 * A file that says which process uses something, a folder or a file. What a process that is gone has left is taken over:
 *
 * | the owner was on                                   | it is gone where                                      |
 * | -------------------------------------------------- | ----------------------------------------------------- |
 * | this machine, in this space of process ids         | no process of its number and start is there           |
 * | this machine, before it was started the last time  | always                                                |
 * | another machine, or in another container           | it gives no sign of life for 10 s (one comes every 2) |
 *
 * Signs of life are touches of the file by a thread of their own, so that long computations do not hold them up. They
 * are compared with each other, never with a clock.
 *
 * To take over the lock of a dead owner T, one must hold the lock `<path>.<T>`. Nobody else can, so nobody removes a lock
 * that is new; and as it is a lock like any other, it does not matter where its owner dies.
 */
export class Lock {
  private readonly path: string;
  private readonly what: string;
  private readonly owner: Owner & { readonly token: string };
  private heart: Worker | null = null;

  private constructor(path: string, what: string) {
    this.path = path;
    this.what = what;
    this.owner = { ...self, token: randomBytes(8).toString("hex") };
  }

  /**
   * @param path The lock's own file.
   * @param what What it guards, for messages.
   * @throws LockedError naming the process that has it; CumaError where it cannot be written.
   */
  static take(path: string, what: string): Lock {
    const lock = new Lock(path, what);
    try {
      lock.acquire(path);
      lock.sweep();
    } catch (error) {
      throw error instanceof CumaError ? error : fileError(what, "cannot be written", error);
    }
    lock.heart = new Worker(HEART, { eval: true, execArgv: [], workerData: { path, every: BEAT_MS } });
    // Where a system has no room for a thread, a lock is still good on this machine.
    lock.heart.on("error", () => undefined);
    lock.heart.unref();
    return lock;
  }

  /**
   * Makes sure that nobody has taken over what this lock guards, and that it is still where it was.
   * @throws CumaError saying so.
   */
  check(): void {
    if (readOwner(this.path)?.token === this.owner.token) return;
    throw new CumaError(
      `${this.what}: is no longer this run's: it was moved, removed or taken over by another process meanwhile`,
    );
  }

  /** Gives it back. Never throws: a lock that stays is one of a process that is gone, soon. */
  release(): void {
    void this.heart?.terminate();
    this.drop(this.path);
  }

  private acquire(path: string): void {
    while (!this.create(path)) {
      const found = readOwner(path);
      if (found === undefined) continue;
      if (!isGone(path, found)) throw new LockedError(`${this.what}: another run is writing here${named(found)}`);
      const guard = `${path}.${found?.token ?? "empty"}`;
      this.acquire(guard);
      try {
        const still = readOwner(path);
        if (still !== undefined && still?.token === found?.token) {
          this.replace(path);
          return;
        }
      } finally {
        this.drop(guard);
      }
    }
  }

  /** Makes the lock with its content in one step. False where there is one. */
  private create(path: string): boolean {
    const temporary = this.writeTemporary(path);
    try {
      linkSync(temporary, path);
      return true;
    } catch (error) {
      if (hasCode(error, "EEXIST")) return false;
      if (!lacksLinks(error)) throw error;
    } finally {
      rmSync(temporary, { force: true });
    }
    return this.createWithoutLinks(path);
  }

  private createWithoutLinks(path: string): boolean {
    try {
      writeFileSync(path, JSON.stringify(this.owner), { flag: "wx" });
      return true;
    } catch (error) {
      if (hasCode(error, "EEXIST")) return false;
      throw error;
    }
  }

  private replace(path: string): void {
    renameSync(this.writeTemporary(path), path);
  }

  private writeTemporary(path: string): string {
    const temporary = `${path}.${this.owner.token}.tmp`;
    try {
      writeFileSync(temporary, JSON.stringify(this.owner));
      return temporary;
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  private drop(path: string): void {
    try {
      if (readOwner(path)?.token === this.owner.token) rmSync(path, { force: true });
    } catch {
      // The error that ends a run matters more than this one.
    }
  }

  /** Removes what processes that died while they took the lock have left. */
  private sweep(): void {
    const folder = dirname(this.path);
    for (const name of readdirSync(folder)) {
      if (!name.startsWith(`${basename(this.path)}.`) || !OF_LOCK.test(name)) continue;
      const path = join(folder, name);
      const owner = readOwner(path);
      if (owner && isGoneHere(owner, path) === true) rmSync(path, { force: true });
    }
  }
}

/** Ends of the names of what stands beside a lock for a moment. */
const OF_LOCK = /\.([0-9a-f]{16}|empty)(\.[0-9a-f]{16})*(\.tmp)?$/;

/** Whether a name in a locked folder is the lock's, or stands beside it for a moment. */
export function isLockFile(name: string): boolean {
  return name === LOCK_FILE || (name.startsWith(`${LOCK_FILE}.`) && OF_LOCK.test(name));
}

/** Touches a lock as long as the process lives. A lock that is not there any more is `check`'s matter. */
const HEART = `
const { utimesSync } = require("node:fs");
const { path, every } = require("node:worker_threads").workerData;
setInterval(() => {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {}
}, every);
`;

/**
 * Takes a folder, so that no other process writes there.
 * @returns Gives the folder back.
 * @throws LockedError naming the process that has it; CumaError where it cannot be written.
 */
export function lockFolder(folder: string): () => void {
  const lock = Lock.take(join(folder, LOCK_FILE), folder);
  return () => {
    lock.release();
  };
}

/**
 * Null where a lock says nothing, as one whose writing was cut off; undefined where there is none.
 * @throws CumaError where somebody else's file has the name.
 */
function readOwner(path: string): Owner | null | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  const isCutOff = /^\0*$/.test(text);
  const owner = isCutOff ? null : ownerIn(text);
  if (owner || isCutOff || text.startsWith('{"pid"')) return owner;
  throw new CumaError(`${path}: is no lock; expected no other file of this name here, move it away`);
}

function ownerIn(text: string): Owner | null {
  try {
    const found = JSON.parse(text) as Partial<Owner> | null;
    return typeof found?.pid === "number" && typeof found.host === "string" ? (found as Owner) : null;
  } catch {
    return null;
  }
}

const named = (owner: Owner | null): string => (owner ? ` (process ${owner.pid} on ${excerpt(owner.host)})` : "");

function isGone(path: string, owner: Owner | null): boolean {
  if (owner === null) return Date.now() - (lastSign(path) ?? 0) > EMPTY_MS;
  return isGoneHere(owner, path) ?? isSilent(path);
}

/** Whether an owner is gone, as far as this machine can tell; null where it cannot. */
function isGoneHere(owner: Owner, path: string): boolean | null {
  if (owner.host !== self.host) return null;
  if (isKnownEqual(owner.boot, self.boot) && isKnownEqual(owner.space, self.space)) return !isRunning(owner);
  const systemStart = Date.now() - uptime() * 1000;
  return (lastSign(path) ?? 0) < systemStart ? true : null;
}

const isKnownEqual = (a: string | null | undefined, b: string | null): boolean => (a ?? b ?? null) === (b ?? a ?? null);

function isRunning({ pid, started }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!hasCode(error, "EPERM")) return false;
  }
  return isKnownEqual(started, startOf(pid));
}

/** Watches a lock for a sign of life. Opening it makes network file systems look anew. */
function isSilent(path: string): boolean {
  const before = lastSign(path);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; waited < WATCH_MS; waited += 500) {
    Atomics.wait(pause, 0, 0, 500);
    if (lastSign(path) !== before) return false;
  }
  return true;
}

/** When a lock was last touched, in ms; undefined where there is none. */
function lastSign(path: string): number | undefined {
  try {
    const fd = openSync(path, "r");
    try {
      return fstatSync(fd).mtimeMs;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** When a process was started; null where the system does not tell. */
function startOf(pid: number | "self"): string | null {
  // The command's name stands in brackets and may hold anything; the start is the 20th field after it.
  return (
    readOrNull(`/proc/${pid}/stat`)
      ?.replace(/^.*\) /s, "")
      .split(" ")[19] ?? null
  );
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

function linkOrNull(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
