import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  benjaminiHochberg,
  compare,
  compareAccuracy,
  convertWvs,
  CumaError,
  evaluate,
  loadCarDataWvs,
  loadCuma,
  loadGlobalOpinionQA,
  loadPlanted,
  mcnemar,
  plantedTruth,
  PredictionTableBuilder,
  prepareRun,
  readJudgements,
  readPredictions,
  readTruth,
  runEvaluation,
  runRoute,
  scoreGenerations,
  scorePublished,
  scoreRewards,
  train,
  withTruth,
  writePlanted,
  writePredictions,
  writeReport,
  type Cuma,
} from "../../src/index.ts";

let model: Cuma;
beforeAll(async () => {
  model = await loadCuma({ base: "demo" });
});
afterAll(() => model.dispose());

const nothing = (): undefined => undefined;
const signal = new AbortController().signal;
const choice = { profile: { country: "Japan" }, question: "Tea?", options: ["yes", "no"] };
const evaluation = {
  ...{ benchmark: "wvb", dir: "data", split: "test", limit: null, seed: 0, by: null, holdOut: null, cluster: null },
  ...{ resamples: 0, permutations: 0, out: join(tmpdir(), "cuma-arguments"), model: { base: "demo" } },
};
const hooks = { signal, onStart: nothing, onProgress: nothing };
const answered = (change: object) => () => model.answer({ ...choice, ...change });
const asked = (change: object) => () => model.logits({ inputIds: [[1]], ...change });
const loaded = (change: object) => () => loadCuma({ base: "demo", ...change });
const evaluated = (change: object) => () =>
  runEvaluation({ ...evaluation, ...change } as Parameters<typeof runEvaluation>[0], "new", nothing, hooks);
const table = () => new PredictionTableBuilder().build();
/** As callers without types call. */
const any = (value: unknown): never => value as never;

const wrong: Record<string, [() => unknown, string]> = {
  "no options at all": [() => loadCuma(any(undefined)), "options: expected object; found nothing"],
  "an empty base": [loaded({ base: "" }), 'options: "base": expected a text that is not empty; found ""'],
  "a misspelt option": [loaded({ adaptor: "a" }), 'options: unknown key "adaptor"; expected one of base, adapter, '],
  "an unknown engine": [
    loaded({ engine: "x" }),
    'options: "engine": expected one of "onnxruntime"|"reference"; found "x"',
  ],
  "an unknown device": [loaded({ device: "tpu" }), 'options: "device": expected one of "cpu"|"cuda"'],
  "no threads": [loaded({ threads: 0 }), 'options: "threads": '],
  "a number as adapter": [loaded({ adapter: 3 }), 'options: "adapter": expected string; found 3'],
  "something else as callback": [
    loaded({ onProgress: "say" }),
    'options: "onProgress": expected a function; found "say"',
  ],
  "no choice": [() => model.answer(any(null)), "choice: expected object; found null"],
  "no profile": [answered({ profile: undefined }), 'choice: "profile": expected record; found nothing'],
  "a number as attribute": [answered({ profile: { age: 25 } }), 'choice: "profile.age": expected string; found 25'],
  "an empty attribute": [
    answered({ profile: { age: "" } }),
    'choice: "profile.age": expected a text that is not empty',
  ],
  "no question": [answered({ question: undefined }), 'choice: "question": expected string; found nothing'],
  "an empty question": [
    answered({ question: " " }),
    'choice: "question": expected a text that is not empty; found " "',
  ],
  "numbers as options": [answered({ options: ["1", 2] }), 'choice: "options.1": expected string; found 2'],
  "equal options": [
    answered({ options: ["a", "b", "a"] }),
    'choice: "options": expected different options; found ["a","b","a"]',
  ],
  "one option": [answered({ options: ["a"] }), 'choice: "options": expected 2 to 26 options; found ["a"]'],
  "no text": [() => model.route(any({ profile: {} })), 'request: "text": expected string; found nothing'],
  "no ids": [() => model.logits(any({})), 'request: "inputIds": expected array; found nothing'],
  "texts as ids": [asked({ inputIds: [["1"]] }), 'request: "inputIds.0.0": expected number; found "1"'],
  "NaN as id": [asked({ inputIds: [[NaN]] }), 'request: "inputIds.0.0": expected number; found NaN'],
  "a misspelt key": [asked({ profileVector: [] }), 'request: unknown key "profileVector"; expected one of inputIds, '],
  "NaN in a vector": [
    asked({ profileVectors: [[NaN]] }),
    'request: "profileVectors.0": expected finite numbers of float32',
  ],
  "more than float32": [asked({ profileVectors: [[1e39]] }), 'request: "profileVectors.0": expected finite numbers'],
  "a vector of big integers": [
    asked({ profileVectors: [new BigInt64Array(2)] }),
    'request: "profileVectors.0": expected',
  ],
  "other positions": [
    asked({ positions: "first" }),
    'request: "positions": expected one of "last"|"all"; found "first"',
  ],
  "an unknown benchmark": [evaluated({ benchmark: "x" }), 'config: "benchmark": expected one of "wvb"'],
  "half a resample": [evaluated({ resamples: 0.5 }), 'config: "resamples": expected int; found 0.5'],
  "a model of another shape": [evaluated({ model: "demo" }), 'config: "model": expected object; found "demo"'],
  "another mode": [
    () => runEvaluation(any(evaluation), any("replace"), nothing, hooks),
    'mode: expected one of "new"|"overwrite"|"resume"; found "replace"',
  ],
  "no hooks": [
    () => runEvaluation(any(evaluation), "new", nothing, any(undefined)),
    "hooks: expected object; found nothing",
  ],
  "no signal": [
    () => runEvaluation(any(evaluation), "new", nothing, any({ ...hooks, signal: null })),
    'hooks: "signal": expected an AbortSignal; found null',
  ],
  "routing of nothing": [() => runRoute(any({}), any({})), 'config: "model": expected object; found nothing'],
  "a run of nothing": [() => train(any(null), "new", nothing, any(hooks)), "config: expected object; found null"],
  "a run without base": [() => prepareRun(any({}), nothing), 'config: "base": expected string; found nothing'],
  "a report of nothing": [() => writeReport(any({ out: null })), 'options: "results": expected array; found nothing'],
  "an unknown format": [
    () => writeReport(any({ results: ["a"], out: null, format: "pdf" })),
    'options: "format": expected one of "html"|',
  ],
  "metrics of nothing": [() => evaluate(any(null)), "table: expected a predictions table, as PredictionTableBuilder"],
  "a comparison of nothing": [() => compare(any({}), any({})), "a: expected a predictions table"],
  "another comparison": [() => compareAccuracy(any([]), any({})), "a: expected a predictions table"],
  "the truth of nothing": [() => withTruth(any(3), any(3)), "table: expected a predictions table"],
  "predictions without path": [() => readPredictions(any(undefined)), "path: expected string; found nothing"],
  "a truth without path": [() => readTruth(any(1)), "path: expected string; found 1"],
  "another truth": [() => withTruth(table(), any({})), "truth: expected a truth, as readTruth makes it"],
  "judgements without path": [() => readJudgements(any(null)), "path: expected string; found null"],
  "scores of nothing": [() => scoreRewards(any(undefined)), "table: expected a table, as readGenerations, "],
  "a misspelt option of scores": [
    () => scoreGenerations({ rows: [], attributes: [] }, any({ resample: 1 })),
    'options: unknown key "resample"; expected one of by, ',
  ],
  "a published file of no benchmark": [
    () => scorePublished("a.tsv", any({})),
    "benchmark: expected a benchmark, as loadWorldValuesBench loads it",
  ],
  "p-values that are none": [() => benjaminiHochberg([0.1, 2]), "ps: expected a list of numbers from 0 to 1, or NaN"],
  "half a row": [() => mcnemar(1, 0.5), "onlyB: expected int; found 0.5"],
  "data without folder": [() => loadPlanted(any(undefined), "test"), "dir: expected string; found nothing"],
  "an unknown split": [() => loadCarDataWvs("data", "tests"), 'unknown split "tests"; expected one of train, '],
  "half a limit": [
    () => loadGlobalOpinionQA("data", "test", { limit: 0.5 }),
    'options: "limit": expected int; found 0.5',
  ],
  "a truth of no folder": [() => plantedTruth(any(1)), "dir: expected string; found 1"],
  "a survey of nothing": [() => convertWvs(any({})), 'options: "wvs": expected string; found nothing'],
  "planted data of nothing": [() => writePlanted(any(undefined)), "options: expected object; found nothing"],
  "more threads than there can be": [loaded({ threads: 10_000 }), 'options: "threads": expected number to be <=512'],
  "nothing to write": [() => writePredictions("a.csv", any(undefined)), "table: expected a predictions table"],
};

test.each(Object.entries(wrong))("%s: an error that names the argument", async (_, [call, message]) => {
  const error: unknown = await Promise.resolve()
    .then(call)
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CumaError);
  expect((error as CumaError).message).toContain(message);
});

test("examples of data sets, which have more fields, are choices", async () => {
  const { distribution } = await model.answer({ ...choice, ...{ id: "1", answer: 0 } });
  expect(distribution).toHaveLength(2);
});
