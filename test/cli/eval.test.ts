import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { evaluate, loadCuma, readPredictions } from "../../src/index.ts";
import { loadWorldValuesBench } from "../../datasets/index.ts";
import { cuma, startCuma } from "../support/cli.ts";
import { temporaryFolder } from "../support/folder.ts";

const root = temporaryFolder("eval");
let data: string;
let adapter: string;

beforeAll(async () => {
  data = join(root, "data");
  adapter = join(root, "adapter");
  await cuma(["data", "planted", "--out", data, "--seed", "2", "--participants", "200", "--questions", "8"]);
  const run = await cuma([
    ...["train", "--base", "demo", "--data", data, "--out", adapter, "--limit", "64"],
    ...["--set", "train.maxSteps=4", "--set", "train.lr=1e-2"],
  ]);
  expect(run).toMatchObject({ code: 0 });
});

const evaluation = (out: string, ...more: string[]): string[] => [
  ...["eval", "--bench", "wvb", "--base", "demo", "--adapter", adapter, "--data", data, "--out", join(root, out)],
  ...["--resamples", "50", ...more],
];
const file = (out: string, name: string): Buffer => readFileSync(join(root, out, name));

interface Results {
  readonly samples: Record<string, number>;
  readonly metrics: Record<string, { value: number; low: number; high: number; n: number; excluded: object }>;
  readonly versions: object;
  readonly seed: number;
}

test("writes predictions and results, the same again, and prints them", async () => {
  const first = await cuma([...evaluation("first"), "--json"]);
  expect(first.code).toBe(0);
  expect(first.stderr).toMatch(/evaluating 240\/240 questions, .*\/s, done/);
  const results = JSON.parse(file("first", "results.json").toString()) as Results;
  expect(JSON.parse(first.stdout)).toEqual(results);
  expect(results.samples).toEqual({ examples: 240, participants: 30, questions: 8 });
  expect(Object.keys(results.metrics)).toEqual(
    expect.arrayContaining([
      ...["accuracy", "macroF1", "countryMacroAccuracy", "sigmaInequity", "emdProb", "emdArgmax", "entropyRatio"],
    ]),
  );
  const { value, low, high, n } = results.metrics["accuracy"]!;
  expect(n).toBe(240);
  expect(low).toBeLessThanOrEqual(value);
  expect(high).toBeGreaterThanOrEqual(value);

  const second = await cuma(evaluation("second"));
  expect(second.stdout).toMatch(/^metric +value +95% interval +n +left out\naccuracy +0\.\d{4} +\[/);
  expect(file("second", "predictions.parquet").equals(file("first", "predictions.parquet"))).toBe(true);
  expect(existsSync(join(root, "first", "partial.jsonl"))).toBe(false);
});

test("predictions are those of the library, for the examples of the data", async () => {
  const { table, metadata } = await readPredictions(join(root, "first", "predictions.parquet"));
  expect(metadata).toMatchObject({ benchmark: "WorldValuesBench", base: "demo", seed: "0" });
  const source = await loadWorldValuesBench(data, "test");
  const model = await loadCuma({ base: "demo", adapter });
  for (const i of [0, 7, 100, 239]) {
    const example = source.at(i);
    const row = table.row(i);
    expect(row).toMatchObject({
      exampleId: example.id,
      questionId: example.questionId,
      participantId: example.participantId,
      answer: example.answer,
      options: example.options,
      profile: example.profile,
    });
    const { distribution } = await model.answer(example);
    for (const [k, p] of distribution.entries()) expect(row.probabilities[k]).toBeCloseTo(p, 5);
  }
  await model.dispose();
});

test("metrics are the library's, by the groups and the seed that are asked for", async () => {
  const run = await cuma([...evaluation("grouped", "--by", "religion", "--seed", "3", "--limit", "100"), "--json"]);
  expect(run.code, run.stderr).toBe(0);
  const { table } = await readPredictions(join(root, "grouped", "predictions.parquet"));
  const { metrics, samples } = JSON.parse(run.stdout) as Results;
  expect(metrics).toEqual(
    JSON.parse(JSON.stringify(evaluate(table, { by: ["religion"], resamples: 50, permutations: 1000, seed: 3 }))),
  );
  expect(samples["participants"]).toBe(table.participant.values.length);
  // The data may not change under it.
  const [copy, path] = [join(root, "copy"), join(root, "copy", "codebook.json")];
  cpSync(data, copy, { recursive: true });
  writeFileSync(path, `${readFileSync(path, "utf8")}\n`);
  const other = evaluation("grouped", "--by", "religion", "--seed", "3", "--limit", "100", "--resume", "--data", copy);
  expect(await cuma(other)).toMatchObject({ code: 1, stdout: "" });
});

test("goes on after SIGINT to the same bytes", async () => {
  const child = startCuma(evaluation("interrupted"));
  const ended = new Promise<string | number | null>((resolve) => {
    child.on("exit", (code, signal) => {
      resolve(code ?? signal);
    });
  });
  const partial = join(root, "interrupted", "partial.jsonl");
  while (!existsSync(partial) || readFileSync(partial, "utf8").split("\n").length < 3) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  child.kill("SIGINT");
  // In the questions, or already in the metrics.
  expect([130, "SIGINT"]).toContain(await ended);
  expect(existsSync(join(root, "interrupted", "results.json"))).toBe(false);
  for (const changed of [
    ["--seed", "5"],
    ["--attributes", "country"],
  ]) {
    const other = await cuma(evaluation("interrupted", "--resume", ...changed));
    expect(other, changed.join(" ")).toMatchObject({ code: 1, stdout: "" });
    expect(other.stderr).toContain("belongs to another evaluation");
  }
  const resumed = await cuma(evaluation("interrupted", "--resume"));
  expect(resumed.code).toBe(0);
  expect(file("interrupted", "predictions.parquet").equals(file("first", "predictions.parquet"))).toBe(true);
  expect(file("interrupted", "results.json").equals(file("first", "results.json"))).toBe(false);
  const complete = await cuma(evaluation("interrupted", "--resume", "--json"));
  expect(JSON.parse(complete.stdout)).toEqual(JSON.parse(file("interrupted", "results.json").toString()));
});

test("draws examples by the seed, and evaluates the base alone", async () => {
  const args = (out: string, seed: string): string[] => [
    ...["eval", "--base", "demo", "--data", data, "--out", join(root, out), "--limit", "20", "--seed", seed],
    ...["--by", "country,religion", "--resamples", "0"],
  ];
  const runs = await Promise.all([cuma(args("base", "1")), cuma(args("base-again", "1"))]);
  expect(runs.map(({ code }) => code)).toEqual([0, 0]);
  const other = await cuma(args("base-other", "2"));
  expect(other.code).toBe(0);
  expect(file("base", "predictions.parquet").equals(file("base-again", "predictions.parquet"))).toBe(true);
  expect(file("base", "predictions.parquet").equals(file("base-other", "predictions.parquet"))).toBe(false);
});

test("dispersionP, and intervals over questions where they are asked for", async () => {
  const results = (out: string): Results => JSON.parse(file(out, "results.json").toString()) as Results;
  expect(results("first").metrics["dispersionP"]!.value).toBeGreaterThan(0);
  const run = await cuma(evaluation("questions", "--cluster", "question", "--permutations", "19"));
  expect(run).toMatchObject({ code: 0 });
  const { table } = await readPredictions(join(root, "questions", "predictions.parquet"));
  const expected = evaluate(table, { resamples: 50, cluster: "question", permutations: 19, seed: 0 });
  const found = results("questions").metrics;
  for (const name of ["mci", "groupEmd", "dispersionP"] as const) {
    const { value, low, high } = expected[name]!;
    expect(found[name], name).toMatchObject(JSON.parse(JSON.stringify({ value, low, high })) as object);
  }
  expect(found["groupEmd"]!.low).not.toBe(results("first").metrics["groupEmd"]!.low);
});

test("questions that are too long for the base are left out and counted, in training too", async () => {
  const dir = join(root, "opinions");
  mkdirSync(dir);
  const [options, distribution] = [
    ["Agree", "Neither", "Disagree"],
    [0.5, 0.2, 0.3],
  ];
  const long = `Is this long? ${"very ".repeat(600)}`;
  const write = (questions: string[]): void => {
    const rows = questions.flatMap((question) =>
      ["Japan", "Kenya"].map((country) => ({ question, country, options, distribution })),
    );
    writeFileSync(join(dir, "opinions.json"), JSON.stringify(rows));
  };
  const bench = ["--bench", "globalopinionqa", "--base", "demo", "--data", dir, "--split", "full"];
  const evaluated = (out: string) => cuma(["eval", ...bench, "--resamples", "0", "--out", join(root, out)]);
  const reason = "examples of more than the 512 tokens that the base takes";
  write(["Is it short?", long]);
  const run = await evaluated("short");
  expect(run, run.stderr).toMatchObject({ code: 0 });
  expect(run.stderr).toContain(`left out: 2 of 4 ${reason}`);
  expect(JSON.parse(file("short", "results.json").toString())).toMatchObject({
    samples: { examples: 2 },
    notes: { [reason]: 2 },
  });
  const set = ["data.split=full", "train.labels=soft", "train.maxSteps=1"].flatMap((text) => ["--set", text]);
  const trained = ["train", ...bench.slice(0, 6), ...set, "--out", join(root, "short-adapter")];
  expect(await cuma(trained)).toMatchObject({ code: 0 });
  expect(JSON.parse(file("short-adapter", "run.json").toString())).toMatchObject({
    examples: 2,
    notes: { [reason]: 2 },
  });
  write([long]);
  const none = await evaluated("none");
  expect(none).toMatchObject({ code: 1, stdout: "" });
  expect(none.stderr).toContain("nothing is left: all 2 examples are of more than the 512 tokens");
});

test("scores a published prediction file", async () => {
  const source = await loadWorldValuesBench(data, "test");
  const lines = Array.from({ length: source.length }, (_, i) => {
    const { questionId, participantId, answer } = source.at(i);
    return `${questionId}\t${participantId!}\t${answer! + 1}`;
  });
  const path = join(root, "perfect.tsv");
  writeFileSync(path, `QUESTION_ID\tPARTICIPANT_ID\tSCORE\n${lines.join("\n")}\n`);
  const run = await cuma([
    "eval",
    "--bench",
    "wvb",
    "--predictions",
    path,
    "--data",
    data,
    "--split",
    "test",
    "--json",
  ]);
  expect(run.code).toBe(0);
  const { metrics } = JSON.parse(run.stdout) as Results;
  expect(metrics["accuracy"]!.value).toBe(1);
  expect(metrics["emdArgmax"]!.value).toBe(0);
  const usage = await cuma(["eval", "--predictions", path, "--data", data, "--base", "demo"]);
  expect(usage).toMatchObject({ code: 2, stdout: "" });
  expect(usage.stderr).toContain("expected no --base");
});
