import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { select, type ChoiceExample, type Dataset } from "../../datasets/index.ts";
import { readPredictions, tasks, type AskHooks } from "../../eval/index.ts";
import { evaluateOn } from "../../src/app/eval.ts";
import { readText, sha256File } from "../../src/core/io/index.ts";
import { choicePrompt } from "../../src/core/text/index.ts";
import { CumaError, Rng } from "../../src/core/util/index.ts";

/*
 * A data set from outside the table: what CONTRIBUTING.md says is to be written, and nothing else. In the table it would be
 * one row of datasets/index.ts, and its name is then known to run files and commands.
 */

const FILE = "answers.tsv";
const OPTIONS = ["never", "sometimes", "often"];

/** One answer a line: id, country, age, question, answer. */
const lines: Dataset<ChoiceExample> = {
  name: "Lines",
  async load(dir, split, { limit, seed = 0 }) {
    const path = join(dir, split, FILE);
    const examples = readText(path)
      .trimEnd()
      .split("\n")
      .map((line, i): ChoiceExample => {
        const [id, country, age, question, answer] = line.split("\t") as [string, string, string, string, string];
        if (!OPTIONS.includes(answer)) {
          throw new CumaError(`${path}:${i + 1}: expected one of ${OPTIONS.join(", ")}; found "${answer}"`);
        }
        const asked = { question, questionId: question, options: OPTIONS, ordered: true };
        const profile = { country, age };
        return { ...asked, id, participantId: id, profile, answer: OPTIONS.indexOf(answer), target: null, weight: 1 };
      });
    const source = {
      length: examples.length,
      at: (index: number) => examples[index]!,
      attributes: ["country", "age"],
      files: { [FILE]: await sha256File(path) },
    };
    const positions = examples.map((_, i) => i);
    return limit === undefined ? source : select(source, new Rng(seed, "lines").shuffle(positions).slice(0, limit));
  },
  prompt: choicePrompt,
};

const root = mkdtempSync(join(tmpdir(), "cuma-dataset-"));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
mkdirSync(join(root, "test"));
writeFileSync(
  join(root, "test", FILE),
  Array.from({ length: 24 }, (_, i) => {
    const person = [`p${i}`, i % 3 === 0 ? "Chile" : "Ghana", i % 2 === 0 ? "18-29" : "30-49"];
    return `${[...person, i % 4 < 2 ? "How often do you vote?" : "How often do you sing?", OPTIONS[i % 3]].join("\t")}\n`;
  }).join(""),
);

let runs = 0;
async function evaluated(dataset: Dataset<ChoiceExample>, limit: number | null = null) {
  const out = join(root, `out ${runs++}`);
  const hooks: AskHooks = {
    signal: new AbortController().signal,
    onStart: () => undefined,
    onProgress: () => undefined,
  };
  const config = { benchmark: "lines", dir: root, split: "test", limit, seed: 1, by: null, cluster: null };
  const rules = [{ where: { country: "Chile" } }];
  const results = await evaluateOn(
    dataset,
    tasks.choices,
    { ...config, holdOut: rules, resamples: 10, permutations: 0, out, model: { base: "demo", threads: 1 } },
    "new",
    () => undefined,
    hooks,
  );
  return { out, results, rows: await readPredictions(join(out, "predictions.parquet")) };
}

test("is evaluated as those in the table are: limits, held-out groups, metrics, predictions", async () => {
  const { out, results, rows } = await evaluated(lines);
  expect(results.samples).toEqual({ examples: 24, participants: 24, questions: 2 });
  expect(results.subsets!.heldOut.samples.examples).toBe(8);
  expect(results.metrics["accuracy"]!.n).toBe(24);
  expect(JSON.parse(readFileSync(join(out, "results.json"), "utf8"))).toMatchObject({ benchmark: "Lines" });
  expect(rows.table.row(5)).toMatchObject({ exampleId: "p5", options: OPTIONS, profile: { age: "30-49" } });
  expect(rows.metadata).toMatchObject({ benchmark: "Lines", base: "demo" });
  const few = await evaluated(lines, 12);
  expect(few.results.samples.examples).toBe(12);
});

test("asks in its own words", async () => {
  const { rows } = await evaluated(lines);
  const other = await evaluated({
    ...lines,
    prompt(example, persona) {
      const { answers, ...prompt } = choicePrompt(example, persona);
      return { ...prompt, answers, messages: [{ role: "user", content: `${example.question} A, B or C?` }] };
    },
  });
  const [a, b] = [rows.table.row(0).probabilities, other.rows.table.row(0).probabilities];
  expect(b).toHaveLength(3);
  expect(b).not.toEqual(a);
  // Nobody's persona is told: people are told apart by the question alone.
  expect(other.rows.table.row(0).probabilities).toEqual(other.rows.table.row(5).probabilities);
  expect(a).not.toEqual(rows.table.row(5).probabilities);
});
