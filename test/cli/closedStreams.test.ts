import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { cliPath, cuma, startCuma } from "../support/cli.ts";
import { temporaryFolder } from "../support/folder.ts";

// Readers of what a command prints may go at any time, as `head` does, or a `tee` that is killed.

const root = temporaryFolder("streams");
const data = join(root, "data");
const trained = ["adapter_config.json", "adapter_model.safetensors", "log.jsonl", "optimizer.safetensors", "run.json"];

beforeAll(async () => {
  const made = await cuma(["data", "planted", "--out", data, "--participants", "30", "--questions", "3"]);
  expect(made.code, made.stderr).toBe(0);
});

const shared = ["--base", "demo", "--data", data, "--threads", "1"];
const train = (out: string): string[] => [
  ...["train", ...shared, "--bench", "planted", "--out", out],
  ...["--set", "train.maxSteps=5", "--set", "encoder.model=none", "--set", "adapter.routerHidden=8"],
];
const evaluate = (out: string): string[] => [
  ...["eval", ...shared, "--bench", "planted", "--out", out, "--resamples", "10", "--permutations", "10"],
];

type Stream = "stdout" | "stderr";

/** Runs a command, of which the streams are closed after the first thing that standard error says, or at once. */
function closing(args: readonly string[], streams: readonly Stream[], when: "start" | "first"): Promise<number | null> {
  const child = startCuma(args);
  const close = (): void => {
    for (const stream of streams) child[stream]!.destroy();
  };
  if (when === "start") close();
  else child.stderr!.once("data", close);
  for (const stream of ["stdout", "stderr"] as const) child[stream]!.resume();
  return new Promise((resolve) => child.on("close", resolve));
}

describe.each([
  ["stderr, after its first line", ["stderr"], "first"],
  ["both, after the first line", ["stdout", "stderr"], "first"],
  ["both, at once", ["stdout", "stderr"], "start"],
] as const)("%s", (title, streams, when) => {
  test("a training goes on to its end", async () => {
    const out = join(root, `train ${title}`);
    expect(await closing(train(out), streams, when)).toBe(0);
    expect(readdirSync(out)).toEqual(trained);
  });

  test("an evaluation and its scoring go on to their ends", async () => {
    const out = join(root, `eval ${title}`);
    expect(await closing(evaluate(out), streams, when)).toBe(0);
    expect(readdirSync(out)).toEqual(["predictions.parquet", "results.json"]);
    const scores = join(root, `scores ${title}.json`);
    const score = ["score", join(out, "predictions.parquet"), "--by", "country", "--resamples", "10", "--out", scores];
    expect(await closing(score, streams, when)).toBe(0);
    expect(existsSync(scores)).toBe(true);
  });
});

/** Exit code and standard error of a shell line in which "$CUMA" is the command. */
function shell(line: string): Promise<{ code: number; stderr: string }> {
  const env = { ...process.env, NODE: process.execPath, CLI: cliPath };
  return new Promise((resolve) => {
    execFile("bash", ["-c", line.replaceAll("$CUMA", '"$NODE" "$CLI"')], { env }, (error, _, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stderr });
    });
  });
}

test.runIf(existsSync("/dev/full"))("a full standard output is an error, a full standard error is none", async () => {
  const full = { code: 1, stderr: "error: standard output: cannot be written: the disk is full\n" };
  expect(await shell("$CUMA --version > /dev/full")).toEqual(full);
  expect(await shell("$CUMA train --help > /dev/full")).toEqual(full);
  expect(await shell("$CUMA --version 2> /dev/full")).toEqual({ code: 0, stderr: "" });
  expect(await shell("$CUMA nothing 2> /dev/full")).toEqual({ code: 2, stderr: "" });
});

test("streams that were closed before the start", async () => {
  expect(await shell("$CUMA --version >&-")).toEqual({ code: 0, stderr: "" });
  expect(await shell("$CUMA --version 2>&-")).toEqual({ code: 0, stderr: "" });
  expect(await shell("set -o pipefail; $CUMA --help | true")).toEqual({ code: 0, stderr: "" });
});
