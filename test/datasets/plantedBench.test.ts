import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  loadPlanted,
  loadWorldValuesBench,
  plantedTruth,
  writePlanted,
  type ChoiceExample,
  type Source,
} from "../../datasets/index.ts";
import { evaluate, PredictionTableBuilder } from "../../eval/index.ts";

let root: string;
let sampled: string;
let soft: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "cuma-planted-bench-"));
  [sampled, soft] = [join(root, "sampled"), join(root, "soft")];
  writePlanted({ out: sampled, seed: 2, participants: 300, questions: 8, nominal: 0.25 });
  writePlanted({ out: soft, seed: 2, participants: 300, questions: 8, nominal: 0.25, answers: "distribution" });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const examples = (source: Source<ChoiceExample>) => Array.from({ length: source.length }, (_, i) => source.at(i));

describe("examples are those of the survey's loader", () => {
  test.each(["train", "valid"])("%s of sampled answers: without a target", async (split) => {
    const [bench, survey] = [await loadPlanted(sampled, split), await loadWorldValuesBench(sampled, split)];
    expect(bench.length).toBeGreaterThan(0);
    expect(examples(bench).map((example) => ({ ...example, ordered: true }))).toEqual(examples(survey));
    for (const { target, answer } of examples(bench)) {
      expect(target).toBeNull();
      expect(answer).not.toBeNull();
    }
  });

  test.each(["train", "valid"])("%s of distributions: the truth instead of the answer", async (split) => {
    const [bench, survey] = [await loadPlanted(soft, split), await loadWorldValuesBench(sampled, split)];
    const truth = plantedTruth(soft);
    expect(bench.length).toBe(survey.length);
    examples(bench).forEach((example, i) => {
      const target = truth.distribution(example.questionId, example.profile);
      expect({ ...example, ordered: true }).toEqual({ ...survey.at(i), answer: null, target });
    });
  });

  test.each(["sampled", "soft"])("test of the %s data: the truth beside the answer", async (name) => {
    const dir = name === "soft" ? soft : sampled;
    const [bench, survey] = [await loadPlanted(dir, "test"), await loadWorldValuesBench(dir, "test")];
    const truth = plantedTruth(dir);
    examples(bench).forEach((example, i) => {
      const target = truth.distribution(example.questionId, example.profile);
      expect({ ...example, ordered: true }).toEqual({ ...survey.at(i), target });
    });
  });

  test("limit, seed and questions draw as in the survey's loader; find has the truth too", async () => {
    const options = { limit: 50, seed: 3, questions: ["Q1", "Q4"] };
    const [bench, survey] = [
      await loadPlanted(sampled, "test", options),
      await loadWorldValuesBench(sampled, "test", options),
    ];
    expect(examples(bench).map(({ id }) => id)).toEqual(examples(survey).map(({ id }) => id));
    const first = bench.at(0);
    expect(bench.find(first.questionId, first.participantId!)).toEqual(first);
    expect(bench.find("Q1", "nobody")).toBeUndefined();
    expect(() => bench.at(50)).toThrow(RangeError);
  });

  test("a quarter of the questions is nominal", async () => {
    const bench = await loadPlanted(sampled, "test");
    const nominal = new Set(examples(bench).flatMap(({ ordered, questionId }) => (ordered ? [] : [questionId])));
    expect([...nominal]).toEqual(["Q4", "Q8"]);
  });
});

test("held-out groups are in the test split only, and isHeldOut tells them", async () => {
  const found: Record<string, number> = {};
  for (const split of ["train", "valid", "test"]) {
    const bench = await loadPlanted(sampled, split);
    const groups = new Map(
      examples(bench).map(({ profile }) => [
        `${profile["country"]!}, ${profile["religion"]!}`,
        bench.isHeldOut(profile),
      ]),
    );
    found[split] = [...groups.values()].filter(Boolean).length;
  }
  expect(found).toEqual({ train: 0, valid: 0, test: 4 });
});

test("files have the hash of truth.json beside the survey's", async () => {
  const { files } = await loadPlanted(sampled, "valid");
  const survey = await loadWorldValuesBench(sampled, "valid");
  const hash = createHash("sha256")
    .update(readFileSync(join(sampled, "truth.json")))
    .digest("hex");
  expect(files).toEqual({ ...survey.files, "truth.json": hash });
});

function score(bench: Source<ChoiceExample>, predict: (target: readonly number[]) => number[]) {
  const builder = new PredictionTableBuilder();
  for (const { id, ...example } of examples(bench)) {
    builder.add({ ...example, exampleId: id, probabilities: predict(example.target!) });
  }
  const metrics = evaluate(builder.build(), { by: ["country", "religion"], resamples: 0, seed: 0 });
  return (name: string) => (metrics as Record<string, { value: number }>)[name]!.value;
}

describe("evaluation measures the distance to the truth", () => {
  test("the truth is at distance 0 of itself: MCI 0, rho 1, beta 1", async () => {
    const value = score(await loadPlanted(sampled, "test"), (target) => [...target]);
    expect(value("groupEmd")).toBeCloseTo(0, 6);
    expect(value("mci")).toBeCloseTo(0, 5);
    expect(value("rho")).toBeCloseTo(1, 5);
    expect(value("beta")).toBeCloseTo(1, 5);
    // A person's answer is still there, and is not known from the group.
    expect(value("accuracy")).toBeGreaterThan(0.4);
    expect(value("accuracy")).toBeLessThan(0.95);
  });

  test("one prediction for every group has MCI 1", async () => {
    const value = score(await loadPlanted(sampled, "test"), (target) => target.map(() => 1 / target.length));
    expect(value("mci")).toBeCloseTo(1, 6);
    expect(value("groupEmd")).toBeGreaterThan(0.05);
  });

  test("modes at distance 0: MCI, rho and beta are not defined", async () => {
    const dir = join(root, "equal");
    writePlanted({ out: dir, participants: 300, questions: 8, nominal: 0.25, distance: 0 });
    let i = 0;
    const varied = (target: readonly number[]) => {
      i++;
      return target.map((_, k) => (k === i % target.length ? 1 : 0));
    };
    const value = score(await loadPlanted(dir, "test"), varied);
    expect(value("groupEmd")).toBeGreaterThan(0.1);
    for (const name of ["mci", "rho", "beta"]) expect(value(name)).toBeNaN();
  });
});

describe("what does not fit is refused by name", () => {
  function damaged(edit: (truth: Record<string, never>) => void): string {
    const dir = join(root, "damaged");
    writePlanted({ out: dir, overwrite: true, participants: 20, questions: 3 });
    const path = join(dir, "truth.json");
    const truth = JSON.parse(readFileSync(path, "utf8")) as Record<string, never>;
    edit(truth);
    writeFileSync(path, JSON.stringify(truth));
    return dir;
  }
  type Json = Record<string, Record<string, Record<string, unknown>>>;

  test.each<[string, (truth: Json) => void, RegExp]>([
    [
      "another option",
      (truth) => ((truth["questions"]!["Q2"]!["options"] as string[])[0] = "Maybe"),
      /truth\.json: "questions\.Q2\.options": expected those of the survey, \["Strongly disagree".*; found \["Maybe"/,
    ],
    [
      "a question too few",
      (truth) => delete truth["questions"]!["Q3"],
      /truth\.json: "questions\.Q3\.options": expected those of the survey, .*; found nothing/,
    ],
    [
      "no distribution",
      (truth) => ((truth["groups"] as unknown as Json[])[2]!["distributions"] = {}),
      /truth\.json: unknown question "Q1"/,
    ],
    [
      "a sum of 2",
      (truth) => ((truth["groups"] as unknown as Json[])[2]!["distributions"]!["Q1"] = [1, 1, 0, 0] as never),
      /truth\.json: "groups\.2\.distributions\.Q1": expected 4 probabilities of sum 1; found \[1,1,0,0\]/,
    ],
    [
      "a knob of another version",
      (truth) => (truth["spec"] = { answers: "guessed" } as never),
      /truth\.json: "spec\.answers": expected one of "sampled"\|"distribution"; found "guessed"/,
    ],
  ])("%s", async (_, edit, message) => {
    await expect(loadPlanted(damaged(edit as never), "test")).rejects.toThrow(message);
  });

  test("a group that the truth lacks", async () => {
    const dir = damaged((truth) => (truth["groups"] = [] as never));
    const bench = await loadPlanted(dir, "test");
    expect(() => bench.at(0)).toThrow(
      /truth\.json: expected a profile with a planted country and religion; found country "/,
    );
  });

  test("a survey without truth.json", async () => {
    const dir = damaged(() => undefined);
    rmSync(join(dir, "truth.json"));
    await expect(loadPlanted(dir, "test")).rejects.toThrow(/truth\.json: cannot be read: there is no such file/);
  });
});
