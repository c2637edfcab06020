import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cumaHere, cumaProcess, type CliResult } from "../support/cli.ts";
import { temporaryFolder } from "../support/folder.ts";

// Most tests run the command line inside their own process. It must print and give there what a process does.

const root = temporaryFolder("process");
const data = ["--data", "data", "--bench", "planted"];
const training = ["train", "--base", "demo", ...data, "--set", "train.maxSteps=2", "--set", "train.batchSize=2"];

/** In this order: later ones use what earlier ones made. */
const runs: Readonly<Record<string, readonly string[]>> = {
  help: ["train", "--help"],
  version: ["--version"],
  "no command": [],
  "an unknown command": ["tain"],
  "a value that cannot be": ["train", "--threads", "many"],
  "data that is not there": [...training, "--out", "run", "--data", "nowhere"],
  data: ["data", "planted", "--out", "data", "--participants", "30", "--questions", "3"],
  "a run": [...training, "--out", "run"],
  "the same run": [...training, "--out", "run"],
  "a run that fails after its steps have begun": [...training, "--out", "full", "--set", "train.lr=1e38"],
  "an evaluation": ["eval", "--base", "demo", "--adapter", "run", ...data, "--out", "eval", "--resamples", "10"],
  scores: ["score", join("eval", "predictions.parquet"), "--resamples", "10", "--json"],
  "a missing table": ["score", "~/none.csv"],
};

/** Rates, times and lines of progress before the last differ from run to run. */
const steady = ({ stdout, stderr, ...end }: CliResult): CliResult => ({
  ...end,
  stdout,
  stderr: stderr.replace(/^.* left(, .*)?\n/gm, "").replace(/[\d.]+( tokens)?\/s/g, "1/s"),
});

test("a command prints and gives the same in a process and in this one", async () => {
  const listeners = (): number => process.listenerCount("SIGTERM") + process.listenerCount("uncaughtException");
  const before = { cwd: process.cwd(), env: { ...process.env }, listeners: listeners(), exitCode: process.exitCode };
  const results: Record<string, CliResult>[] = [];
  for (const [name, run] of Object.entries({ here: cumaHere, process: cumaProcess })) {
    const cwd = mkdtempSync(join(root, `${name}-`));
    const env = { ...process.env, HOME: "/home/of-the-test", CUMA_CACHE: join(cwd, "cache") };
    const found: Record<string, CliResult> = {};
    for (const [title, args] of Object.entries(runs)) found[title] = steady(await run(args, { cwd, env }));
    results.push(found);
  }
  const [here, there] = results;
  expect(here).toEqual(there);
  const after = { cwd: process.cwd(), env: { ...process.env }, listeners: listeners(), exitCode: process.exitCode };
  expect(after).toEqual(before);
  expect(Object.values(here!).map(({ code }) => code)).toEqual([0, 0, 2, 2, 2, 1, 0, 0, 1, 1, 0, 0, 1]);
});
