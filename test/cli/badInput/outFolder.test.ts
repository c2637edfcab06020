import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cliPath, cumaProcess, finished, startCuma, type CliResult } from "../../support/cli.ts";
import {
  answer,
  copy,
  env,
  evaluate,
  fresh,
  goodAdapter,
  goodBase,
  goodData,
  planted,
  refusal,
  refused,
  run,
  TENSORS,
  train,
  VALUES,
  withGoodFiles,
} from "./support.ts";

withGoodFiles();

/** A folder that holds this file. */
const folderWith = (name: string, content: string): string => {
  const dir = fresh("run");
  mkdirSync(join(dir, name, ".."), { recursive: true });
  writeFileSync(join(dir, name), content);
  return dir;
};
const lockOf = (content: string): string => folderWith("lock", content);

refused("an output folder", 1, {
  "that is not empty": [
    () => train(folderWith("notes.txt", "mine")),
    /run: the output folder is not empty \(notes\.txt\); give another folder, --overwrite to .*, or --resume/,
  ],
  "that is not empty, in an evaluation": [
    () => evaluate(folderWith("notes.txt", "mine")),
    /run: the output folder is not empty \(notes\.txt\)/,
  ],
  "that is not empty, for data": [
    () => ["data", "planted", "--out", folderWith("notes.txt", "mine")],
    /run: the output folder is not empty \(notes\.txt\)/,
  ],
  "that is a file": [
    () => train(join(goodData, "truth.json")),
    /truth\.json: cannot be made: it is a file; expected a folder/,
  ],
  "in a file": [
    () => train(join(goodData, "truth.json", "out")),
    /truth\.json\/out: cannot be made: it is a file; expected a folder/,
  ],
  "in a file, for data": [
    () => ["data", "planted", "--out", join(goodData, "truth.json", "out")],
    /truth\.json\/out: cannot be made: it is a file; expected a folder/,
  ],
  "where another process writes": [
    () => train(lockOf(JSON.stringify({ pid: process.pid, host: hostname() }))),
    /run: another run is writing here \(process \d+ on \S+\)$/,
  ],
  "where another process writes data": [
    () => ["data", "planted", "--out", lockOf(JSON.stringify({ pid: process.pid, host: hostname() })), "--overwrite"],
    /run: another run is writing here/,
  ],
  "with somebody else's file that has the name of a lock": [
    () => train(lockOf("null")),
    /run\/lock: is no lock; expected no other file of this name here/,
  ],
  "with a damaged checkpoint": [
    () => train(folderWith("checkpoint-1/state.json", "{"), "--resume"),
    /checkpoint-1\/state\.json: is not JSON/,
  ],
  "with a checkpoint of something else": [
    () => train(folderWith("checkpoint-1/state.json", '{ "step": 1 }'), "--resume"),
    /checkpoint-1\/state\.json: "identity": expected record; found nothing/,
  ],
  "with a checkpoint without its state": [
    () => train(folderWith("checkpoint-1/notes.txt", ""), "--resume"),
    /checkpoint-1\/state\.json: cannot be read: there is no such file/,
  ],
  "with another run that is complete": [
    () => train(goodAdapter, "--resume", "--set", "train.lr=5", "--set", "adapter.r=4"),
    /adapter: the run in this folder is another one; .*equal:\n +adapter\.r: 8 in the folder, 4 now\n +train\.lr: \S+ in the folder, 5 now$/,
  ],
  "with a damaged evaluation": [
    () => evaluate(folderWith("partial.jsonl", '{ "split": "valid" }\n'), "--resume"),
    /partial\.jsonl: belongs to another evaluation: .*split: "valid" in the folder, "test" now/,
  ],
});

/** The file-size limit of `ulimit -f`, in units of 1024 bytes. */
function limited(kilobytes: number, args: readonly string[]): Promise<CliResult> {
  const command = ["-c", `ulimit -f ${kilobytes} && exec "$@"`, "cuma", process.execPath, cliPath, ...args];
  return finished(spawn("bash", command, { env, stdio: ["ignore", "pipe", "pipe"] }));
}

const canMount = ((): boolean => {
  const dir = fresh("mount");
  mkdirSync(dir);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "cuma-test", dir], { stdio: "ignore" });
    execFileSync("umount", [dir]);
    return true;
  } catch {
    return false;
  }
})();
const bytes = (folder: string, name: string): Buffer => readFileSync(join(folder, name));

describe.concurrent("a disk without room", () => {
  test.skipIf(!canMount)(
    `keeps the last checkpoint of a run ${canMount ? "" : "(needs to mount a tmpfs)"}`,
    async () => {
      const disk = fresh("disk");
      mkdirSync(disk);
      // A checkpoint is the adapter and two moments of every parameter: the first has room, the second beside it has not.
      const size = Math.round(4.5 * statSync(join(goodAdapter, TENSORS)).size);
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "cuma-test", disk]);
      try {
        const out = join(disk, "run");
        const args = train(out, "--set", "train.maxSteps=3", "--set", "train.saveEvery=1");
        const whole = run(train(fresh("whole"), "--set", "train.maxSteps=3", "--set", "train.saveEvery=1"));
        expect(refusal(await run(args))).toMatch(/checkpoint-2\S*: cannot be written: the disk is full$/);
        expect(readdirSync(out).sort()).toEqual(["checkpoint-1", "log.jsonl"]);
        expect(refusal(await run(answer("--base", "demo", "--adapter", out)))).toContain("adapter_config.json");
        execFileSync("mount", ["-o", "remount,size=16m", disk]);
        const resumed = await run([...args, "--resume"]);
        expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
        expect(resumed.stderr).toContain("resuming after step 1 of 3");
        const folder = (await whole).stdout.trim().replace("trained: ", "");
        expect(bytes(out, TENSORS).equals(bytes(folder, TENSORS))).toBe(true);
      } finally {
        execFileSync("umount", [disk]);
      }
    },
  );

  test("stops a run at its result, which resumes to the same bytes", async () => {
    const out = fresh("run");
    expect(refusal(await limited(16, train(out)))).toMatch(
      /adapter_model\.safetensors: cannot be written: the file-size/,
    );
    expect(readdirSync(out).filter((name) => !/^(adapter_config\.json|log\.jsonl)$/.test(name))).toEqual([]);
    expect(refusal(await run(answer("--base", "demo", "--adapter", out)))).toContain("adapter_model.safetensors");
    expect(await run(train(out, "--resume"))).toMatchObject({ code: 0 });
    expect(bytes(out, TENSORS).equals(bytes(goodAdapter, TENSORS))).toBe(true);
    expect(bytes(out, "log.jsonl").toString().trimEnd().split("\n")).toHaveLength(2);
  });

  test("stops an evaluation, which resumes to the same bytes", async () => {
    const [out, whole] = [fresh("run"), fresh("run")];
    const undisturbed = run(evaluate(whole));
    expect(refusal(await limited(1, evaluate(out)))).toMatch(
      /run\/\S+: cannot be written: the file-size limit is reached/,
    );
    expect(existsSync(join(out, "results.json"))).toBe(false);
    expect(await run(evaluate(out, "--resume"))).toMatchObject({ code: 0 });
    expect(await undisturbed).toMatchObject({ code: 0 });
    expect(readdirSync(out).sort()).toEqual(["predictions.parquet", "results.json"]);
    const name = "predictions.parquet";
    expect(bytes(out, name).equals(bytes(whole, name))).toBe(true);
  });

  test("stops data, which is then refused, and can be made anew", async () => {
    const out = fresh("run");
    expect(refusal(await limited(1, ["data", "planted", "--out", out, ...planted]))).toMatch(
      /run\/\S+: cannot be written: the file-size limit is reached/,
    );
    expect(refusal(await run(train(undefined, "--data", out)))).toMatch(/run: expected a file /);
    expect(await run(["data", "planted", "--out", out, ...planted, "--overwrite"])).toMatchObject({ code: 0 });
    expect(readdirSync(out).sort()).toEqual(readdirSync(goodData).sort());
    expect(bytes(out, VALUES).equals(bytes(goodData, VALUES))).toBe(true);
  });

  test("leaves no lock", async () => {
    const out = fresh("run");
    expect(refusal(await limited(0, train(out)))).toMatch(/run: cannot be written: the file-size limit is reached/);
    expect(readdirSync(out)).toEqual([]);
  });

  test.skipIf(!existsSync("/dev/full"))("is reported for standard output, too", async () => {
    const full = openSync("/dev/full", "w");
    const args = ["preview", "--base", "demo", "--data", goodData, "--out", "unused"];
    const child = spawn(process.execPath, [cliPath, ...args], { env, stdio: ["ignore", full, "pipe"] });
    closeSync(full);
    let stderr = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    expect(refusal({ code, signal: null, stdout: "", stderr })).toBe(
      "error: standard output: cannot be written: the disk is full",
    );
  });
});

describe.concurrent("folders that may not be used", () => {
  // To root every folder is open: there the command runs as somebody else, who must be able to read the package.
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const isOpen = spawnSync(process.execPath, [cliPath, "--version"], { ...nobody, cwd: "/" }).status === 0;
  const why = isOpen ? "" : "(the package lies in a folder that is closed to others)";
  const asNobody = (args: readonly string[]): Promise<CliResult> => cumaProcess(args, { env, ...nobody });

  /** Uses a copy of a folder that only root may open. */
  async function closed(folder: string, use: (dir: string) => Promise<void>): Promise<void> {
    const dir = copy(folder, (made) => {
      chmodSync(made, 0o000);
    });
    await use(dir).finally(() => {
      chmodSync(dir, 0o755);
    });
  }

  test.skipIf(!isOpen)(`data that may not be read ${why}`, () =>
    closed(goodData, async (dir) => {
      const out = fresh("out");
      mkdirSync(out);
      chmodSync(out, 0o777);
      expect(refusal(await asNobody(train(out, "--data", dir)))).toMatch(/copy: cannot be read: permission denied/);
      expect(readdirSync(out)).toEqual([]);
    }),
  );

  test.skipIf(!isOpen)(`a base that may not be read ${why}`, () =>
    closed(goodBase, async (dir) => {
      const message = /copy\/config\.json: cannot be read: permission denied/;
      expect(refusal(await asNobody(answer("--base", dir)))).toMatch(message);
    }),
  );

  test.skipIf(!isOpen)(`an adapter that may not be read ${why}`, () =>
    closed(goodAdapter, async (dir) => {
      const message = /copy\/adapter_config\.json: cannot be read: permission denied/;
      expect(refusal(await asNobody(answer("--base", "demo", "--adapter", dir)))).toMatch(message);
    }),
  );

  test.skipIf(!isOpen)(`an output folder that may not be written ${why}`, async () => {
    const dir = fresh("closed");
    mkdirSync(dir, { mode: 0o555 });
    expect(refusal(await asNobody(train(dir)))).toMatch(/closed: cannot be written: permission denied/);
    expect(refusal(await asNobody(train(join(dir, "run"))))).toMatch(/closed\/run: cannot be made: permission denied/);
  });
});

describe.concurrent("two runs in one folder", () => {
  test("the second is refused while the first goes on, and another one when it has stopped", async () => {
    const out = fresh("run");
    const long = train(out, "--set", "train.maxSteps=1000", "--set", "train.epochs=1000");
    const first = startCuma(long, { env });
    const ended = finished(first);
    while (!existsSync(join(out, "log.jsonl")) && first.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const flags of [[], ["--resume"], ["--overwrite"]]) {
      expect(refusal(await run([...long, ...flags]))).toContain(
        `run: another run is writing here (process ${first.pid!} on ${hostname()})`,
      );
    }
    first.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130, stdout: "" });
    const other = [...long, "--resume", "--set", "train.lr=0.5", "--set", "data.persona=false"];
    expect(refusal(await run(other))).toMatch(
      /run: the run in this folder is another one; .*equal:\n +data\.persona: true in the folder, false now\n +train\.lr: \S+ in the folder, 0\.5 now$/,
    );
    expect(readdirSync(out).sort()).toEqual([expect.stringMatching(/^checkpoint-\d+$/), "log.jsonl"]);
  });

  test("of two that start together, one wins", async () => {
    const out = fresh("run");
    const both = await Promise.all([run(train(out)), run(train(out))]);
    const [won, lost] = both[0].code === 0 ? both : [both[1], both[0]];
    expect(won).toMatchObject({ code: 0 });
    expect(refusal(lost)).toMatch(/run: (another run is writing here|the output folder is not empty)/);
    expect(bytes(out, TENSORS).equals(bytes(goodAdapter, TENSORS))).toBe(true);
  });
});
