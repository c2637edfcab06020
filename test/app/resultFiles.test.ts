import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  readResults,
  RESULTS_FILE,
  writeEvaluationResults,
  type EvaluationResults,
} from "../../src/app/files/results.ts";
import { formatLogLine, parseLogLine } from "../../src/core/train/index.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "cuma-results-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const results: EvaluationResults = {
  benchmark: "Planted",
  config: { by: ["country"], split: "test" },
  seed: 1,
  versions: { cuma: "0.1.0" },
  gitHash: null,
  identity: { adapter: null, base: "abc" },
  questions: { Q1: "Why?" },
  notes: {},
  samples: { examples: 3, participants: 2, questions: 1 },
  metrics: { mci: { value: NaN, low: NaN, high: NaN, n: 3, excluded: { "no answer": 1 } } },
  subsets: null,
};

test("what is written is what is read, numbers that do not apply included", () => {
  writeEvaluationResults(root, results);
  expect(readResults(root)).toEqual(results);
});

test("what the reader would refuse is not written", () => {
  const folder = join(root, "none");
  const wrong = { ...results, samples: { ...results.samples, examples: NaN } };
  expect(() => writeEvaluationResults(folder, wrong)).toThrow(/results\.json: "samples\.examples": expected/);
  expect(existsSync(join(folder, RESULTS_FILE))).toBe(false);
  expect(() => formatLogLine({ step: 0.5, message: "half a step" })).toThrow('log.jsonl: "step": expected');
});

test("a line of a log is a step or a warning", () => {
  const step = { step: 1, epoch: 0.5, loss: 1.5, auxLoss: 0, lr: 0.1, gradNorm: Infinity, tokensPerSecond: 9 };
  for (const line of [step, { step: 1, message: "Mind the gap." }]) {
    const found = parseLogLine("log.jsonl: line 1", formatLogLine(line));
    expect(found).toEqual({ ...line, ...("gradNorm" in line && { gradNorm: NaN }) });
  }
  expect(() => parseLogLine("log.jsonl: line 2", '{"step":1')).toThrow("log.jsonl: line 2: is not JSON");
  expect(() => parseLogLine("log.jsonl: line 3", '{"step":1}')).toThrow('log.jsonl: line 3: "epoch": expected');
});
