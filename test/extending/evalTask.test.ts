import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import type { Dataset, Profiled } from "../../datasets/index.ts";
import type { AskHooks, Chunk, EvalTask } from "../../eval/index.ts";
import { evaluateOn } from "../../src/app/eval.ts";
import { readJson, sha256File, writeJson } from "../../src/core/io/index.ts";
import { checkJson, Interrupted } from "../../src/core/util/index.ts";

/*
 * A kind of examples from outside the tables: people who chose one of several replies. It needs a data set, which says how
 * an example is put to a model, and a task; in the tables they would be a row of datasets/index.ts and of
 * eval/tasks/index.ts.
 */

/** A person and the reply that they chose. */
interface Comparison extends Profiled {
  readonly id: string;
  readonly prompt: string;
  readonly replies: readonly string[];
  readonly chosen: number;
}

const FILE = "comparisons.json";
const schema = z.array(
  z.object({
    id: z.string(),
    profile: z.record(z.string(), z.string()),
    prompt: z.string(),
    replies: z.array(z.string()).min(2),
    chosen: z.int(),
  }),
);

const comparisons: Dataset<Comparison> = {
  name: "Comparisons",
  async load(dir) {
    const path = join(dir, FILE);
    const examples = checkJson(path, readJson(path), schema);
    return {
      length: examples.length,
      at: (index) => examples[index]!,
      attributes: ["country"],
      files: { [FILE]: await sha256File(path) },
    };
  },
  prompt: ({ prompt, replies }) => ({
    what: `the prompt "${prompt}"`,
    messages: [{ role: "user", content: prompt }],
    answers: replies,
  }),
};

interface OneComparison extends Chunk {
  readonly example: number;
}

/** How likely each reply is, beside which one was chosen. */
interface Judged {
  readonly id: string;
  readonly logLikelihoods: readonly number[];
  readonly isRight: boolean;
}

const chosenReply: EvalTask<Comparison, OneComparison, number[], Judged[]> = {
  plan: (source) =>
    Array.from({ length: source.length }, (_, i) => ({ key: source.at(i).id, questions: 1, example: i })),
  async answer({ example }, source, respondent) {
    const [[logLikelihoods]] = (await respondent.logLikelihoods([[source.at(example)]])) as [[number[]]];
    return logLikelihoods;
  },
  isAnswer: ({ example }, source, found): found is number[] =>
    Array.isArray(found) && found.length === source.at(example).replies.length,
  table: (source, answered) =>
    answered.map(({ chunk, answers }) => {
      const { id, chosen } = source.at(chunk.example);
      return { id, logLikelihoods: answers, isRight: answers.indexOf(Math.max(...answers)) === chosen };
    }),
  measure(table) {
    const value = table.filter(({ isRight }) => isRight).length / table.length;
    const accuracy = { value, low: NaN, high: NaN, n: table.length, excluded: {} };
    return { samples: { examples: table.length, comparisons: table.length }, metrics: { accuracy } };
  },
  select: (table, examples) => examples.map((i) => table[i]!),
  describe: (source) => ({
    questions: Object.fromEntries(
      Array.from({ length: source.length }, (_, i) => [source.at(i).id, source.at(i).prompt]),
    ),
  }),
  files: ["judged.json"],
  write(folder, table) {
    writeJson(join(folder, "judged.json"), table);
  },
};

const root = mkdtempSync(join(tmpdir(), "cuma-task-"));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
writeFileSync(
  join(root, FILE),
  JSON.stringify(
    ["Avaria", "Belmora", "Cordane"].map((country, i) => ({
      id: `c${i}`,
      profile: { country },
      prompt: `What matters in ${country}?`,
      replies: ["You should ask an expert.", "Family, above all.", "Nothing much."].slice(0, 2 + (i % 2)),
      chosen: i % 2,
    })),
  ),
);

function evaluated(out: string, mode: "new" | "resume", stopAfter = Infinity) {
  const controller = new AbortController();
  const hooks: AskHooks = {
    signal: controller.signal,
    onStart: () => undefined,
    onProgress: (done) => {
      if (done >= stopAfter) controller.abort();
    },
  };
  const config = { benchmark: "comparisons", dir: root, split: "test", limit: null, seed: 0, by: null, cluster: null };
  return evaluateOn(
    comparisons,
    chosenReply,
    {
      ...config,
      holdOut: [{ where: { country: "Belmora" } }],
      ...{ resamples: 0, permutations: 0, out: join(root, out), model: { base: "demo", threads: 1 } },
    },
    mode,
    () => undefined,
    hooks,
  );
}

test("is evaluated by its own task, with held-out groups, and goes on after an interruption to the same bytes", async () => {
  const whole = await evaluated("whole", "new");
  expect(whole).toMatchObject({
    benchmark: "Comparisons",
    questions: { c1: "What matters in Belmora?" },
    samples: { examples: 3, comparisons: 3 },
    subsets: { seen: { samples: { examples: 2 } }, heldOut: { samples: { examples: 1 } } },
  });
  const table = readFileSync(join(root, "whole", "judged.json"));
  const judged = JSON.parse(table.toString()) as Judged[];
  expect(judged.map(({ logLikelihoods }) => logLikelihoods.length)).toEqual([2, 3, 2]);
  for (const { logLikelihoods } of judged) for (const value of logLikelihoods) expect(value).toBeLessThan(0);

  await expect(evaluated("parts", "new", 1)).rejects.toThrow(Interrupted);
  expect(readFileSync(join(root, "parts", "partial.jsonl"), "utf8")).toContain('"key":"c0"');
  expect(await evaluated("parts", "resume")).toMatchObject({ metrics: whole.metrics, subsets: whole.subsets });
  expect(readFileSync(join(root, "parts", "judged.json"))).toEqual(table);
});
