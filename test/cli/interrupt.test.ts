import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { writePlanted } from "../../datasets/index.ts";
import { Interruption } from "../../src/cli/interrupt.ts";
import { finished, startCuma } from "../support/cli.ts";
import { temporaryFolder } from "../support/folder.ts";

const root = temporaryFolder("interrupt");
const data = join(root, "data");
const table = join(root, "predictions.jsonl");
/** As many as take minutes. */
const MANY = "1000000";

beforeAll(() => {
  writePlanted({ out: data, participants: 60, questions: 4 });
  const rows = Array.from({ length: 100_000 }, (_, i) => ({
    example_id: `e${i}`,
    question_id: `q${i % 40}`,
    country: `c${i % 30}`,
    options: ["yes", "no"],
    ordered: true,
    answer: i % 2,
    probabilities: [0.25, 0.75],
  }));
  writeFileSync(table, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
});

/** Resolves when the process has written a text to standard error. */
function said(child: ChildProcess, text: string): Promise<void> {
  let stderr = "";
  return new Promise((resolve, reject) => {
    child.stderr!.on("data", (chunk) => {
      stderr += String(chunk);
      if (stderr.includes(text)) resolve();
    });
    child.on("exit", () => {
      reject(new Error(`ended without "${text}": ${stderr}`));
    });
  });
}

// A process that is not ended by its signal runs into the test's time limit.
describe.concurrent("one signal ends what saves nothing", () => {
  const whole = ["--resamples", MANY, "--permutations", "0"];
  const work: Record<string, [args: string[], during: string]> = {
    "score, reading a table": [["score", table, ...whole], "reading"],
    "score, at resamples": [["score", table, ...whole], "computing metrics"],
    "score, at permutations": [["score", table, "--resamples", "0", "--permutations", MANY], "computing metrics"],
    "report, at resamples": [
      ["report", table, "--resamples", MANY, "--out", join(root, "report.html")],
      `computing ${table}`,
    ],
  };
  test.each(Object.entries(work))("%s", async (_, [args, during]) => {
    const child = startCuma(args);
    const ended = finished(child);
    await said(child, during);
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: null, signal: "SIGINT", stdout: "" });
  });

  test("eval, at the metrics: its predictions are kept for --resume", async () => {
    const out = join(root, "eval");
    const child = startCuma([
      ...["eval", "--bench", "planted", "--base", "demo", "--data", data, "--out", out, "--limit", "70"],
      ...["--resamples", MANY, "--permutations", "0"],
    ]);
    const ended = finished(child);
    await said(child, "computing metrics");
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: null, signal: "SIGTERM" });
    expect(readFileSync(join(out, "partial.jsonl"), "utf8").split("\n").length).toBeGreaterThan(2);
    expect(existsSync(join(out, "results.json"))).toBe(false);
  });
});

describe.concurrent("a signal ends a training after its step, which is saved", () => {
  test.each(["SIGTERM", "SIGHUP", "SIGQUIT"] as const)("%s", async (name) => {
    const out = join(root, name);
    const child = startCuma([
      ...["train", "--base", "demo", "--data", data, "--bench", "planted", "--out", out],
      ...["--set", "train.epochs=1000", "--set", "train.maxSteps=10000"],
    ]);
    const ended = finished(child);
    await said(child, "training 1/");
    child.kill(name);
    expect(await ended).toMatchObject({
      code: 130,
      signal: null,
      stderr: expect.stringMatching(/interrupted after step \d+; continue with --resume/) as unknown,
    });
    expect(readdirSync(out)).toContainEqual(expect.stringMatching(/^checkpoint-\d+$/));
  });
});

test("a signal ends an evaluation after the questions at hand, which are saved", async () => {
  const many = join(root, "many");
  writePlanted({ out: many, participants: 1500, questions: 20 });
  const out = join(root, "chunks");
  const child = startCuma(["eval", "--bench", "planted", "--base", "demo", "--data", many, "--out", out]);
  const ended = finished(child);
  await said(child, "evaluating ");
  child.kill("SIGINT");
  expect(await ended).toMatchObject({
    code: 130,
    stderr: expect.stringMatching(/interrupted after \d+ of \d+ questions; continue with --resume/) as unknown,
  });
  expect(readFileSync(join(out, "partial.jsonl"), "utf8").split("\n").length).toBeGreaterThan(2);
});

describe("Interruption", () => {
  const listeners = (): number => process.listenerCount("SIGHUP");

  test("handles signals while there is something to be saved", () => {
    const before = listeners();
    const interruption = new Interruption(() => undefined);
    expect(listeners()).toBe(before);
    interruption.saving(true);
    interruption.saving(true);
    expect(listeners()).toBe(before + 1);
    interruption.saving(false);
    expect(listeners()).toBe(before);
    expect(interruption.signal.aborted).toBe(false);
  });

  test("handles one signal: the system has the next", () => {
    const before = listeners();
    let signals = 0;
    const interruption = new Interruption(() => signals++);
    interruption.saving(true);
    process.emit("SIGHUP");
    expect({ signals, aborted: interruption.signal.aborted }).toEqual({ signals: 1, aborted: true });
    expect(listeners()).toBe(before);
    interruption.saving(true);
    expect(listeners()).toBe(before);
  });
});
