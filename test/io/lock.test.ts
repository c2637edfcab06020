import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, uptime } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isLockFile, Lock } from "../../src/core/io/index.ts";
import { packageRoot } from "../../src/app/package.ts";
import { temporaryFolder } from "../support/folder.ts";

const root = temporaryFolder("lock");

let made = 0;
/** A lock file of this content in a folder of its own, last touched so many seconds ago. */
function lockOf(content: unknown, secondsAgo = 0): string {
  const folder = join(root, String(made++));
  mkdirSync(folder);
  const path = join(folder, "lock");
  if (content === undefined) return path;
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  const then = new Date(Date.now() - secondsAgo * 1000);
  utimesSync(path, then, then);
  return path;
}

const host = hostname();
const token = "0123456789abcdef";
/** The number of a process that has ended. */
const DEAD = 2 ** 22 + 1;
const mine = (): Record<string, unknown> => {
  const path = lockOf(undefined);
  const lock = Lock.take(path, "it");
  const owner = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  lock.release();
  return owner;
};
const names = (path: string): string[] => readdirSync(join(path, ".."));

/** Takes and gives back. */
function take(path: string): void {
  const lock = Lock.take(path, "it");
  lock.check();
  expect(names(path)).toEqual(["lock"]);
  lock.release();
  expect(names(path)).toEqual([]);
}

describe("a lock is taken where", () => {
  test("there is none", () => {
    take(lockOf(undefined));
  });

  test.each([
    ["the process is gone", { pid: DEAD, token }],
    ["another process has its number", { started: "1", token }],
    ["another process has its number, after a restart of the container", { pid: 1, started: "1", token }],
    [
      "it was written by an earlier version",
      { pid: DEAD, boot: undefined, space: undefined, started: undefined, token: undefined },
    ],
  ])("%s", (_, owner) => {
    take(lockOf({ ...mine(), ...owner }));
  });

  test("the system was started again since", () => {
    take(lockOf({ ...mine(), boot: "another", token }, uptime() + 60));
  });

  test.each([
    ["it is empty", ""],
    ["it holds what a power cut leaves", "\0".repeat(100)],
    ["its writing was cut off", '{"pid":1,"ho'],
  ])("%s", (_, content) => {
    take(lockOf(content, 60));
  });

  test("a process died while it took over", () => {
    const path = lockOf({ ...mine(), pid: DEAD, token });
    writeFileSync(`${path}.${token}`, JSON.stringify({ ...mine(), pid: DEAD, token: "f".repeat(16) }));
    writeFileSync(`${path}.${"f".repeat(16)}.tmp`, JSON.stringify({ ...mine(), pid: DEAD, token: "f".repeat(16) }));
    take(path);
  });

  test("an owner elsewhere gives no sign of life", { timeout: 60_000 }, () => {
    take(lockOf({ ...mine(), host: "elsewhere", token }));
  });
});

describe("a lock is refused where", () => {
  const refused = (path: string): void => {
    const before = names(path);
    expect(() => Lock.take(path, "it")).toThrow("it: another run is writing here");
    expect(names(path)).toEqual(before);
  };

  test("the process runs, also this one", () => {
    refused(lockOf({ ...mine(), token }));
  });

  test("it is being written", () => {
    refused(lockOf(""));
  });

  test("an owner elsewhere gives signs of life", { timeout: 60_000 }, async () => {
    const path = lockOf({ ...mine(), host: "elsewhere", token });
    const touch = `setInterval(() => require("fs").utimesSync(${JSON.stringify(path)}, new Date(), new Date()), 500)`;
    const heart = spawn(process.execPath, ["-e", touch], { stdio: "ignore" });
    await new Promise((resolve) => heart.once("spawn", resolve));
    try {
      refused(path);
    } finally {
      heart.kill();
    }
  });

  test("a file of somebody else's has its name", () => {
    const path = lockOf("notes", 1000);
    expect(() => Lock.take(path, "it")).toThrow(`${path}: is no lock`);
    expect(readFileSync(path, "utf8")).toBe("notes");
  });
});

test("giving back removes only what is one's own, and never throws", () => {
  const path = lockOf(undefined);
  const lock = Lock.take(path, "it");
  writeFileSync(path, JSON.stringify({ ...mine(), token }));
  expect(() => {
    lock.check();
  }).toThrow("it: is no longer this run's");
  lock.release();
  expect(existsSync(path)).toBe(true);
  const other = lockOf(undefined);
  const gone = Lock.take(other, "it");
  rmSync(join(other, ".."), { recursive: true });
  gone.release();
});

test("a lock's owner gives signs of life by itself, also while it computes", { timeout: 60_000 }, async () => {
  const path = lockOf(undefined);
  const lock = Lock.take(path, "it");
  const old = new Date(0);
  // The thread must have begun, which takes the event loop.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  utimesSync(path, old, old);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; i < 100 && statSync(path).mtimeMs === 0; i++) Atomics.wait(pause, 0, 0, 200);
  expect(statSync(path).mtimeMs).toBeGreaterThan(0);
  lock.release();
});

/** A process that takes a lock, says whether it could, and holds it until its input ends. */
function contender(path: string): { said: Promise<string>; end(): Promise<unknown> } {
  const code = `
    import { Lock } from ${JSON.stringify(join(packageRoot, "dist", "src", "core", "io", "lock.js"))};
    let lock;
    try {
      lock = Lock.take(${JSON.stringify(path)}, "it");
      console.log("taken");
    } catch (error) {
      console.log(error.message);
    }
    process.stdin.on("end", () => lock?.release()).resume();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code]);
  const closed = new Promise((resolve) => child.on("close", resolve));
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const said = new Promise<string>((resolve) => {
    child.stdout.setEncoding("utf8").once("data", resolve);
    void closed.then(() => {
      resolve(stderr);
    });
  });
  return {
    said,
    end() {
      child.stdin.end();
      return closed;
    },
  };
}

test("of 20 processes at once on the lock of a dead one, one wins", { timeout: 600_000 }, async () => {
  for (let round = 0; round < 4; round++) {
    const path = lockOf({ ...mine(), pid: DEAD, token });
    const contenders = Array.from({ length: 20 }, () => contender(path));
    const said = await Promise.all(contenders.map((one) => one.said));
    await Promise.all(contenders.map((one) => one.end()));
    expect(said.filter((text) => text === "taken\n")).toHaveLength(1);
    for (const text of said) {
      expect(text).toMatch(/^(taken|it: another run is writing here \(process \d+ on .*\))\n$/);
    }
    expect(names(path)).toEqual([]);
  }
});

test("names that stand beside a lock for a moment are known", () => {
  for (const name of ["lock", `lock.${token}`, `lock.${token}.tmp`, `lock.empty.${token}.tmp`])
    expect(isLockFile(name)).toBe(true);
  for (const name of ["lock.txt", "locker", "lock.md", host]) expect(isLockFile(name)).toBe(false);
});
