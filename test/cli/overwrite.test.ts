import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { finished, startCuma } from "../support/cli.ts";
import {
  copy,
  env,
  evaluate,
  fresh,
  goodAdapter,
  goodData,
  planted,
  refusal,
  run,
  TENSORS,
  train,
  withGoodFiles,
} from "./badInput/support.ts";

// What stands in an output folder is as it was until a new result is complete.

withGoodFiles();

function contents(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(files.map((path) => [relative(folder, path), readFileSync(path, "latin1")]));
}

/** A copy of a finished run, with files of others in it. */
const finishedRun = (): string =>
  copy(goodAdapter, (dir) => {
    write(dir, MINE);
  });
const MINE = {
  "notes.txt": "mine",
  "checkpoint-200/trainer_state.json": "{}",
  "checkpoint-200/adapter_model.safetensors": "theirs",
};
function write(dir: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), content);
  }
}

describe.concurrent("train --overwrite", () => {
  test.each([
    ["a base", ["--base", "nowhere/nothing"]],
    ["data", ["--data", "nowhere"]],
    ["an attribute", ["--set", "data.attributes=[nothing]"]],
  ])("with %s that is not there leaves the old run as it was", async (_, flags) => {
    const out = finishedRun();
    const before = contents(out);
    refusal(await run([...train(out), "--overwrite", ...flags]));
    expect(contents(out)).toEqual(before);
  });

  test("replaces a run, and nothing of others", async () => {
    const [out, alone] = [finishedRun(), fresh("alone")];
    const args = (path: string): string[] => train(path, "--seed", "1");
    const [replaced, made] = await Promise.all([run([...args(out), "--overwrite"]), run(args(alone))]);
    expect([replaced.code, made.code], replaced.stderr).toEqual([0, 0]);
    const found = contents(out);
    expect(found).toMatchObject(MINE);
    expect(Object.keys(found).sort()).toEqual([...Object.keys(contents(alone)), ...Object.keys(MINE)].sort());
    expect(found[TENSORS]).toBe(contents(alone)[TENSORS]);
  });

  test("that is interrupted leaves the old run, and goes on with --resume", async () => {
    const [out, alone] = [finishedRun(), fresh("alone")];
    const before = contents(out);
    const args = (path: string): string[] =>
      train(path, "--seed", "1", "--set", "train.maxSteps=40", "--set", "train.saveEvery=5");
    const child = startCuma([...args(out), "--overwrite"], { env });
    const ended = finished(child);
    const log = join(out, ".cuma-new", "log.jsonl");
    // The signal is waited for from the first step's end on, which the second step's line shows.
    const steps = (): number => (existsSync(log) ? readFileSync(log, "utf8").split("\n").length - 1 : 0);
    while (steps() < 2 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130 });
    expect(contents(out)).toMatchObject(before);
    const [resumed, made] = await Promise.all([run([...args(out), "--resume"]), run(args(alone))]);
    expect([resumed.code, made.code], resumed.stderr).toEqual([0, 0]);
    expect(resumed.stderr).toContain("resuming after step");
    expect(existsSync(join(out, ".cuma-new"))).toBe(false);
    expect(contents(out)[TENSORS]).toBe(contents(alone)[TENSORS]);
  });

  test("does not write among what it reads", async () => {
    const link = fresh("link");
    symlinkSync(goodData, link);
    expect(refusal(await run([...train(link), "--overwrite"]))).toMatch(/is both the output folder and data\.dir/);
  });
});

describe.concurrent("train --resume", () => {
  const constant = (out: string, steps: number, ...more: string[]): string[] =>
    train(out, "--set", `train.maxSteps=${steps}`, "--set", "train.saveEvery=3", ...more);

  test("goes on with a run that is complete, to the bytes of one that was longer from the start", async () => {
    const [out, long] = [fresh("short"), fresh("long")];
    const [short, whole] = await Promise.all([run(constant(out, 4)), run(constant(long, 8))]);
    expect([short.code, whole.code]).toEqual([0, 0]);
    const further = await run([...constant(out, 8), "--resume", "--set", "train.saveEvery=2"]);
    expect(further, further.stderr).toMatchObject({ code: 0 });
    expect(further.stderr).toContain("resuming after step 4 of 8");
    const [found, expected] = [contents(out), contents(long)];
    expect(Object.keys(found)).toEqual(Object.keys(expected));
    for (const name of [TENSORS, "adapter_config.json", "optimizer.safetensors"])
      expect(found[name]).toBe(expected[name]);
    const untimed = (text: string): string => text.replace(/"tokensPerSecond":[^,]*/g, "");
    expect(untimed(found["log.jsonl"]!)).toBe(untimed(expected["log.jsonl"]!));
    const plain = (text: string): unknown => {
      const { config, ...rest } = JSON.parse(text) as { config: object };
      return {
        ...rest,
        config: { ...config, out: "", train: { ...(config as { train: object }).train, saveEvery: 0 } },
      };
    };
    expect(plain(found["run.json"]!)).toEqual(plain(expected["run.json"]!));
    expect(refusal(await run([...constant(out, 7), "--resume"]))).toMatch(/has done 8 steps; expected .* found 7/);
  });

  test("cannot where the optimiser's state was taken away, or the rate depends on the end", async () => {
    const without = copy(goodAdapter, (dir) => {
      rmSync(join(dir, "optimizer.safetensors"));
    });
    expect(refusal(await run([...constant(without, 9), "--resume"]))).toMatch(/optimizer\.safetensors: is not there/);
    const out = fresh("linear");
    expect(await run(constant(out, 2, "--set", "train.schedule=linear"))).toMatchObject({ code: 0 });
    expect(refusal(await run([...constant(out, 4, "--set", "train.schedule=linear"), "--resume"]))).toMatch(
      /train\.steps: 2 in the folder, 4 now/,
    );
  });

  test("says so where a complete run was on other data or another base", async () => {
    const other = copy(goodData, (dir) => {
      writeFileSync(join(dir, "codebook.json"), `${readFileSync(join(dir, "codebook.json"), "utf8")}\n`);
    });
    const [out, same] = [copy(goodAdapter, () => undefined), copy(goodData, () => undefined)];
    expect(refusal(await run([...train(out), "--resume", "--data", other]))).toMatch(/dataFiles\.codebook\.json: /);
    expect(await run([...train(out), "--resume", "--data", same])).toMatchObject({
      code: 0,
      stdout: `${out}: the run is complete already\n`,
    });
  });

  test("names what the log has lost", async () => {
    const out = fresh("lost");
    const args = train(out, "--set", "train.maxSteps=400", "--set", "train.saveEvery=1");
    const child = startCuma(args, { env });
    const ended = finished(child);
    const log = join(out, "log.jsonl");
    const lines = (): string[] => (existsSync(log) ? readFileSync(log, "utf8").split("\n") : []);
    while (lines().length < 7 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130 });
    const [first, second, third, ...rest] = lines();
    writeFileSync(log, [first, second!.replace(/./g, "\0"), third!.slice(0, 20), ...rest].join("\n"));
    const short = train(out, "--set", `train.maxSteps=${lines().length}`, "--set", "train.saveEvery=1");
    const resumed = await run([...short, "--resume"]);
    expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
    expect(resumed.stderr).toContain("what log.jsonl said of steps 2 to 3 is lost");
    expect(readFileSync(log, "utf8")).toContain('{"step":2,"message":"what log.jsonl said of steps 2 to 3 is lost"}');
  });

  test("a folder that is moved while a run goes on is noticed", async () => {
    const out = fresh("moved");
    const child = startCuma(train(out, "--set", "train.maxSteps=1000", "--set", "train.epochs=1000"), { env });
    const ended = finished(child);
    while (!existsSync(join(out, "log.jsonl")) && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 10));
    renameSync(out, `${out}-elsewhere`);
    mkdirSync(out);
    expect(refusal(await ended)).toMatch(/moved: is no longer this run's: it was moved, removed or taken over/);
    expect(readdirSync(out)).toEqual([]);
  });
});

describe.concurrent("eval --overwrite", () => {
  test("leaves the old evaluation where data, adapter or predictions are wrong, and replaces it otherwise", async () => {
    const out = fresh("evaluation");
    expect(await run(evaluate(out))).toMatchObject({ code: 0 });
    write(out, MINE);
    const before = contents(out);
    const wrong = [
      ["--data", "nowhere"],
      ["--adapter", "nowhere"],
      ["--base", "nowhere/nothing"],
    ];
    for (const flags of wrong) {
      refusal(await run([...evaluate(out), "--overwrite", ...flags]));
      expect(contents(out)).toEqual(before);
    }
    const published = ["eval", "--predictions", "nowhere.tsv", "--data", goodData, "--out", out, "--overwrite"];
    refusal(await run(published));
    expect(contents(out)).toEqual(before);
    expect(await run([...evaluate(out), "--overwrite", "--seed", "3", "--limit", "40"])).toMatchObject({ code: 0 });
    const after = contents(out);
    expect(Object.keys(after)).toEqual(Object.keys(before));
    expect(after).toMatchObject(MINE);
    expect(after["predictions.parquet"]).not.toBe(before["predictions.parquet"]);
  });

  test("a complete evaluation is one of the same number of threads", async () => {
    const out = fresh("evaluation");
    expect(await run(evaluate(out, "--threads", "1"))).toMatchObject({ code: 0 });
    writeFileSync(join(out, "partial.jsonl"), "left by a kill");
    expect(refusal(await run(evaluate(out, "--threads", "2", "--resume")))).toMatch(/threads: 1 in the folder, 2 now/);
    expect(await run(evaluate(out, "--threads", "1", "--resume"))).toMatchObject({ code: 0 });
    expect(readdirSync(out)).toEqual(["predictions.parquet", "results.json"]);
  });
});

describe.concurrent("data planted --overwrite", () => {
  test("replaces what it has written, and nothing in folders of these names", async () => {
    const mine = { "test/unit/my_test.py": "mine", "train/thesis.tex": "mine", "survey.jsonl": "mine" };
    const out = copy(goodData, (dir) => {
      write(dir, mine);
    });
    const args = ["data", "planted", "--out", out, "--overwrite", ...planted, "--seed", "2"];
    expect(await run(args)).toMatchObject({ code: 0 });
    expect(contents(out)).toMatchObject(mine);
    expect(Object.keys(contents(out)).sort()).toEqual(
      [...Object.keys(contents(goodData)), ...Object.keys(mine)].sort(),
    );
  });
});

describe.concurrent("an input is no output", () => {
  test("of score, route and report", async () => {
    const dir = fresh("evaluation");
    expect(await run(evaluate(dir))).toMatchObject({ code: 0 });
    const table = join(dir, "predictions.parquet");
    const link = join(dir, "link.parquet");
    symlinkSync(table, link);
    const before = contents(dir);
    const routed = ["route", "--base", "demo", "--adapter", goodAdapter, "--profiles", table];
    const commands = [
      ["score", table, "--out", link],
      ["score", link, "--out", table],
      [...routed, "--out", join(goodAdapter, TENSORS)],
      ["report", dir, "--out", join(dir, "results.json")],
    ];
    await Promise.all(
      commands.map(async (args) => {
        expect(refusal(await run([...args, "--overwrite"]), 2), args.join(" ")).toMatch(/is both read/);
      }),
    );
    expect(contents(dir)).toEqual(before);
  });
});

test("no program that a folder names is started", async () => {
  const dir = fresh("untrusted");
  write(dir, {
    ".git/HEAD": "ref: refs/heads/main\n",
    ".git/config": `[core]\n\trepositoryformatversion = 0\n\tfsmonitor = "touch ${join(dir, "started")}; false"\n`,
    ".git/objects/x": "",
    ".git/refs/heads/x": "",
  });
  const evaluated = join(dir, "evaluation");
  expect(await run(evaluate(evaluated))).toMatchObject({ code: 0 });
  const scored = startCuma(
    ["score", join(evaluated, "predictions.parquet"), "--resamples", "0", "--out", "scores.json"],
    { env, cwd: dir },
  );
  expect(await finished(scored)).toMatchObject({ code: 0 });
  expect(existsSync(join(dir, "started"))).toBe(false);
  const { gitHash } = JSON.parse(readFileSync(join(dir, "scores.json"), "utf8")) as { gitHash: string | null };
  expect(gitHash === null || /^[0-9a-f]{40}$/.test(gitHash)).toBe(true);
});
