import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadWorldValuesBench, type ChoiceExample, type WorldValuesBench } from "../../datasets/index.ts";
import { scorePublished, type PublishedScores } from "../../eval/index.ts";
import { golden, goldenJson } from "../support/golden.ts";

interface Expected {
  emd: Record<string, { distance: number | null; scores: number; noScore: number }>;
  mean: number;
  near: number;
  notWhole: number;
  offScale: number;
  options: number;
  accuracy: number;
  macroF1: number;
  countryMacroAccuracy: number;
  worstGroup: number;
  groupGap: number;
}

let root: string;
beforeAll(() => (root = mkdtempSync(join(tmpdir(), "cuma-published-"))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let files = 0;
function write(text: string, extension = ".tsv"): string {
  const path = join(root, `${files++}${extension}`);
  writeFileSync(path, text);
  return path;
}

describe("equals WorldValuesBench's evaluate.py", () => {
  const expected = goldenJson("published.json") as Expected;
  let benchmark: WorldValuesBench;
  let found: PublishedScores;
  beforeAll(async () => {
    benchmark = await loadWorldValuesBench(golden("published"), "full");
    found = await scorePublished(golden("published/predictions.tsv"), benchmark, { resamples: 50 });
  });

  test("EMD by question, in the order of the file, with its scores and exclusions", () => {
    expect(Object.keys(found.perQuestion)).toEqual(Object.keys(expected.emd));
    for (const [id, { distance, scores, noScore }] of Object.entries(expected.emd)) {
      const { value, n, excluded, low, high } = found.perQuestion[id]!;
      if (distance === null) expect(value).toBeNaN();
      else {
        expect(Math.abs(value - distance), id).toBeLessThan(1e-9);
        expect(low).toBeLessThan(high);
      }
      expect(n).toBe(scores);
      expect(excluded["no score"]).toBe(noScore);
    }
  });

  test("mean EMD and the share of questions within 0.2 leave out the question without a score", () => {
    const { emdArgmax } = found.metrics;
    expect(Math.abs(emdArgmax.value - expected.mean)).toBeLessThan(1e-9);
    const of = Object.values(expected.emd);
    expect(emdArgmax.n).toBe(of.reduce((n, { scores }) => n + scores, 0));
    expect(emdArgmax.excluded).toEqual({
      "no score": of.reduce((n, { noScore }) => n + noScore, 0),
      "questions without a score": 1,
    });
    expect(found.nearQuestions).toMatchObject({ value: expected.near, n: 5 });
    expect(found.nearQuestions.excluded).toEqual({ "questions without a score": 1 });
  });

  test("metrics of options count the scores that are options", () => {
    for (const name of ["accuracy", "macroF1", "countryMacroAccuracy", "worstGroup", "groupGap"] as const) {
      const { value, n, excluded } = found.metrics[name];
      expect(Math.abs(value - expected[name]), name).toBeLessThan(1e-9);
      expect(n, name).toBe(expected.options);
      expect(excluded).toMatchObject({
        "score is not a whole number": expected.notWhole,
        "score is off the scale": expected.offScale,
        "no score": found.metrics.emdArgmax.excluded["no score"],
      });
    }
  });

  test("a .csv file with its columns in another order gives the same", async () => {
    const rows = readFileSync(golden("published/predictions.tsv"), "utf8").trimEnd().split("\n");
    const csv = rows.map((row) => {
      const [question, , score, participant] = row.split("\t") as [string, string, string, string];
      return `"${score}",${participant},${question}`;
    });
    const path = write(csv.join("\r\n"), ".csv");
    expect(await scorePublished(path, benchmark, { resamples: 50 })).toEqual(found);
  });

  test("groups, level and seed are those asked for", async () => {
    const path = golden("published/predictions.tsv");
    const scored = (options: object) => scorePublished(path, benchmark, { resamples: 50, ...options });
    expect(await scored({})).toEqual(found);
    const other = await scored({ seed: 1 });
    expect(other.metrics.emdArgmax.value).toBe(found.metrics.emdArgmax.value);
    expect(other.metrics.emdArgmax.low).not.toBe(found.metrics.emdArgmax.low);
    const narrow = await scored({ level: 0.5 });
    expect(narrow.metrics.emdArgmax.low).toBeGreaterThan(found.metrics.emdArgmax.low);
    expect(narrow.metrics.emdArgmax.high).toBeLessThan(found.metrics.emdArgmax.high);
    expect((await scored({ by: ["gender"] })).metrics.worstGroup.value).not.toBe(found.metrics.worstGroup.value);
    await expect(scored({ by: ["sex"] })).rejects.toThrow('unknown attribute "sex"');
  });
});

/** A benchmark with these answers by question and participant, each on the scale `lowest` .. `highest`. */
function benchmarkOf(
  answers: Record<string, Record<string, number>>,
  [lowest, highest]: [number, number] = [1, 4],
): Pick<WorldValuesBench, "questions" | "find"> {
  const options = Array.from({ length: highest - lowest + 1 }, (_, k) => `level ${lowest + k}`);
  return {
    questions: Object.keys(answers).map((id) => ({ id, category: "", question: `${id}?`, options, lowest })),
    find(questionId, participantId): ChoiceExample | undefined {
      const answer = answers[questionId]?.[participantId];
      if (answer === undefined) return undefined;
      return {
        id: `${participantId}:${questionId}`,
        questionId,
        participantId,
        profile: { country: "Japan" },
        question: `${questionId}?`,
        options,
        ordered: true,
        answer: answer - lowest,
        target: null,
        weight: 1,
      };
    },
  };
}

const HEADER = "QUESTION_ID\tPARTICIPANT_ID\tSCORE";
const table = (...rows: string[]): string =>
  write([HEADER, ...rows.map((row) => row.replaceAll(" ", "\t"))].join("\n"));

test("the original's sample_input.tsv gives its sample_output.json", async () => {
  // The answers are the only ones that give these distances: everybody answered 1 but one who answered 2 to Q2.
  const benchmark = benchmarkOf({
    Q1: { "156070594": 1, "586070648": 1 },
    Q2: { "608070097": 1, "702070734": 2 },
    Q3: { "410070959": 1, "364072161": 1 },
  });
  const path = table(
    "Q1 156070594 4",
    "Q1 586070648 4",
    "Q2 608070097 3",
    "Q2 702070734 4",
    "Q3 410070959 3",
    "Q3 364072161 3",
  );
  const { perQuestion } = await scorePublished(path, benchmark);
  for (const [id, expected] of Object.entries({ Q1: 1, Q2: 0.6666666666666667, Q3: 0.6666666666666666 })) {
    expect(Math.abs(perQuestion[id]!.value - expected)).toBeLessThan(1e-12);
  }
});

test("worked by hand: a score off the scale stays where it is, and an answer without a score counts", async () => {
  const benchmark = benchmarkOf({ Q1: { a: 1, b: 4 }, Q2: { a: 1, b: 4, c: 1 } });
  // Q1: answers 0 and 1, score (10 - 1) / 3 = 3: (3 + 2) / 2. Q2: answers 0, 1 and 0, score 0 alone: 1/3.
  const path = table("Q1 a 10", "Q1 b none", "Q2 a 1", "Q2 b inf", "Q2 c 1e400");
  const { perQuestion, metrics } = await scorePublished(path, benchmark);
  expect(perQuestion["Q1"]!.value).toBeCloseTo(2.5, 12);
  expect(perQuestion["Q2"]!.value).toBeCloseTo(1 / 3, 12);
  expect(metrics.emdArgmax).toMatchObject({ n: 2, excluded: { "no score": 3 } });
  expect(metrics.accuracy).toMatchObject({ value: 1, n: 1, excluded: { "no score": 3, "score is off the scale": 1 } });
});

test("people who are not in the data or did not answer are left out and counted", async () => {
  const benchmark = benchmarkOf({ Q1: { a: 1, b: 4 }, Q2: { a: 2 }, Q3: { a: 1 } });
  const path = table("Q1 a 1", "Q1 b 4", "Q1 x 4", "Q2 b 4", "Q2 a 2", "Q3 x 1");
  const { perQuestion, metrics, nearQuestions } = await scorePublished(path, benchmark, { resamples: 20 });
  const [stranger, silent] = ["participant is not in the data", "question was not answered"];
  expect(perQuestion["Q1"]).toMatchObject({ value: 0, n: 2, excluded: { [stranger]: 1 } });
  expect(perQuestion["Q2"]).toMatchObject({ value: 0, n: 1 });
  expect(perQuestion["Q2"]!.excluded).toMatchObject({ [silent]: 1 });
  expect(perQuestion["Q3"]).toMatchObject({ value: NaN, n: 0, excluded: { [stranger]: 1 } });
  expect(metrics.emdArgmax.excluded).toEqual({ [stranger]: 2, [silent]: 1, "questions without a score": 1 });
  expect(metrics.accuracy.excluded).toEqual({ [stranger]: 2, [silent]: 1 });
  expect(nearQuestions).toMatchObject({ value: 1, n: 2 });
});

test("participants are drawn whole: one person's answers to many questions are one draw", async () => {
  // Person a is met by every score, b by none: a resample holds 0, 1 or 2 times b, in all questions alike.
  const ids = ["Q1", "Q2", "Q3", "Q4", "Q5", "Q6"];
  const benchmark = benchmarkOf(Object.fromEntries(ids.map((id) => [id, { a: 1, b: 1 }])));
  const path = table(...ids.flatMap((id) => [`${id} a 1`, `${id} b 4`]));
  const { metrics } = await scorePublished(path, benchmark, { resamples: 400 });
  expect(metrics.emdArgmax).toMatchObject({ value: 0.5, low: 0, high: 1 });
  expect(metrics.accuracy).toMatchObject({ value: 0.5, low: 0, high: 1 });
});

describe("refuses", () => {
  const benchmark = benchmarkOf({ Q1: { a: 1, b: 4 }, Q2: { a: 2 } });
  const refused = (path: string) => expect(scorePublished(path, benchmark)).rejects;

  test("a question that there is not", async () => {
    const path = table("Q1 a 1", "Q3 b 1");
    await refused(path).toThrow(`${path}:3: unknown question "Q3"; expected one of Q1, Q2; did you mean "Q1"?`);
  });
  test("a participant and question that come twice", async () => {
    const path = table("Q1 a 1", "Q1 b 1", "Q2 a 1", "Q1 a 3");
    await refused(path).toThrow(`${path}:5: expected each participant and question once; found a and Q1 on line 2 too`);
  });
  test("a row without a participant", async () => {
    const path = table("Q1  1");
    await refused(path).toThrow(`${path}:2: PARTICIPANT_ID: expected a participant; found nothing`);
  });
  test("a row of another width", async () => {
    const path = table("Q1 a 1", "Q1 b");
    await refused(path).toThrow(`${path}:3: expected 3 fields, as in the header; found 2`);
  });
  test("a file without the columns", async () => {
    const path = write("QUESTION_ID\tPARTICIPANT\tSCORE\n");
    await refused(path).toThrow(`${path}: header: expected the columns QUESTION_ID, PARTICIPANT_ID, SCORE; found`);
    const empty = write("");
    await refused(empty).toThrow(`${empty}: header: expected the columns QUESTION_ID, PARTICIPANT_ID, SCORE; found`);
  });
  test("a file about nobody in the data", async () => {
    const path = table("Q1 x 1", "Q2 y 1");
    await refused(path).toThrow(`${path}: expected predictions for people with an answer; none of 2 has one`);
    const none = table();
    await refused(none).toThrow(`${none}: expected predictions for people with an answer; found none`);
  });
  test("another extension, and a file that is not there", async () => {
    await refused(write(HEADER, ".txt")).toThrow('unknown file extension ".txt"; expected one of .tsv, .csv');
    const path = join(root, "missing.tsv");
    await refused(path).toThrow(`${path}: cannot be read: there is no such file or folder`);
  });
  test("impossible options", async () => {
    await expect(scorePublished(table("Q1 a 1"), benchmark, { resamples: -1 })).rejects.toThrow("resamples");
    await expect(scorePublished(table("Q1 a 1"), benchmark, { level: 1 })).rejects.toThrow("level");
  });
});
