import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { tableFromArrays } from "apache-arrow";
import { describe, expect, test } from "vitest";
import { loadGlobalOpinionQA, type ExampleSource } from "../../datasets/index.ts";
import { writeColumnar } from "../../src/io/parquet.ts";

const LIST = [
  {
    country: "Japan",
    question: "How good is it?",
    options: ["Very good", "Somewhat good", "Very bad", "DK/Refused"],
    distribution: [0.4, 0.3, 0.1, 0.2],
  },
  {
    country: "India (Current national sample)",
    question: "How good is it?",
    options: ["Very good", "Somewhat good", "Very bad", "DK/Refused"],
    distribution: [0.2, 0.2, 0.601, 0],
  },
  {
    country: "Japan",
    question: "Which?",
    options: ["Tea", "Coffee", "Other (VOL)"],
    distribution: [0.5, 0.25, 0.25],
  },
  {
    country: "Japan",
    question: "From 1 to 10?",
    options: ["Not important", 1, "Very important", 3, 2],
    distribution: [0.1, 0.2, 0.3, 0.15, 0.25],
  },
  { country: "Japan", question: "Nobody?", options: ["Yes", "No", "No answer"], distribution: [0, 0, 1] },
];

function folder(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), "goqa-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, ".."), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

const all = (source: ExampleSource) => Array.from({ length: source.length }, (_, i) => source.at(i));
const load = async (list: unknown) =>
  all(await loadGlobalOpinionQA(folder({ "d.json": JSON.stringify(list) }), "full"));

describe("GlobalOpinionQA", () => {
  test("drops non-responses, renormalises, orders numbers, and tells scales from lists", async () => {
    const dir = folder({ "distributions.json": JSON.stringify(LIST) });
    const source = await loadGlobalOpinionQA(dir, "full");
    const [first, second, which, scale] = all(source);
    expect(source.length).toBe(4);
    expect(first).toMatchObject({
      profile: { country: "Japan" },
      options: ["Very good", "Somewhat good", "Very bad"],
      ordered: true,
      answer: null,
      participantId: null,
    });
    for (const [k, p] of [0.5, 0.375, 0.125].entries()) expect(first!.target![k]).toBeCloseTo(p, 12);
    expect(second!.profile).toEqual({ country: "India" });
    expect(second!.questionId).toBe(first!.questionId);
    expect(second!.target!.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(which!.ordered).toBe(false);
    expect(scale).toMatchObject({
      ordered: true,
      options: ["Not important", "1", "2", "3", "Very important"],
      target: [0.1, 0.2, 0.25, 0.15, 0.3],
    });
    expect(source.notes).toEqual({
      "distributions that did not sum to 1, renormalised": 1,
      "rows whose non-responses were dropped": 2,
      "rows left out: nobody answered": 1,
    });
    expect(Object.keys(source.files)).toEqual(["distributions.json"]);
  });

  test("scales.json overrides the rule, and must name questions that there are", async () => {
    const files = { "d.json": JSON.stringify(LIST) };
    const [, , which] = all(await loadGlobalOpinionQA(folder({ ...files, "scales.json": '{"Which?": true}' }), "full"));
    expect(which!.ordered).toBe(true);
    await expect(loadGlobalOpinionQA(folder({ ...files, "scales.json": '{"Who?": true}' }), "full")).rejects.toThrow(
      /scales\.json: "Who\?" is no question of/,
    );
  });

  test("reads the hub's csv, and parquet, as the json", async () => {
    const selections = `defaultdict(<class 'list'>, {'Japan': [0.4, 0.3, 0.1, 0.2], "Côte d'Ivoire": [0.25, 0.25, 0.25, 0.25]})`;
    const options = `['Very good', "It's fine", 'Very bad', 'DK/Refused']`;
    const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const csv = `question,selections,options,source\nHow good?,${cell(selections)},${cell(options)},GAS\n`;
    const fromCsv = all(await loadGlobalOpinionQA(folder({ "data/global_opinions.csv": csv }), "full"));
    expect(fromCsv.map(({ profile }) => profile)).toEqual([{ country: "Japan" }, { country: "Côte d'Ivoire" }]);
    expect(fromCsv[0]).toMatchObject({ options: ["Very good", "It's fine", "Very bad"], ordered: false });
    const dir = folder({});
    const table = tableFromArrays({ question: ["How good?"], selections: [selections], options: [options] });
    writeColumnar(join(dir, "t.parquet"), table);
    expect(all(await loadGlobalOpinionQA(dir, "full"))).toEqual(fromCsv);
  });

  test("splits by question and draws by the seed", async () => {
    const many = Array.from({ length: 200 }, (_, q) =>
      ["Japan", "Kenya"].map((country) => ({
        country,
        question: `Question ${q}?`,
        options: ["Yes", "No"],
        distribution: [0.5, 0.5],
      })),
    ).flat();
    const dir = folder({ "d.json": JSON.stringify(many) });
    const ofSplit = async (split: string) =>
      new Set(all(await loadGlobalOpinionQA(dir, split)).map(({ question }) => question));
    const splits = await Promise.all(["train", "valid", "test"].map(ofSplit));
    expect(splits.map(({ size }) => size).reduce((a, b) => a + b)).toBe(200);
    expect(new Set(splits.flatMap((questions) => [...questions])).size).toBe(200);
    for (const [i, share] of [0.7, 0.1, 0.2].entries())
      expect(Math.abs(splits[i]!.size / 200 - share)).toBeLessThan(0.1);
    const draw = async (seed: number) =>
      all(await loadGlobalOpinionQA(dir, "full", { limit: 5, seed })).map(({ id }) => id);
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
    expect(await draw(1)).toHaveLength(5);
  });

  const record = LIST[0]!;
  test.each([
    [{ ...record, distribution: [0.5, 0.5] }, /row 1: distribution: .* found 2 numbers for 4 options/],
    [{ ...record, distribution: [-0.1, 0.5, 0.3, 0.3] }, /row 1: distribution\[0\]: expected 0 or more, found -0.1/],
    [{ ...record, country: "" }, /"0\.country"/],
    [{ ...record, options: "Yes" }, /"0\.options": expected array/],
  ])("refuses a bad row, %#", async (row, message) => {
    await expect(load([row])).rejects.toThrow(message);
  });

  test("refuses a second row for one question and country, an unknown split, two files", async () => {
    await expect(load([record, record])).rejects.toThrow(/row 2: "Japan" has an earlier row/);
    const dir = folder({ "a.json": "[]", "b.csv": "" });
    await expect(loadGlobalOpinionQA(dir, "full")).rejects.toThrow(/expected one .* file; found a\.json, b\.csv/);
    await expect(loadGlobalOpinionQA(dir, "tests")).rejects.toThrow(/test/);
  });

  test("refuses texts that are no Python list, without evaluating anything", async () => {
    const csv = `question,selections,options\nQ,"{'Japan': __import__('os')}","['a', 'b']"\n`;
    await expect(loadGlobalOpinionQA(folder({ "t.csv": csv }), "full")).rejects.toThrow(
      /row 1: selections: is no list or dictionary: expected a value at character 10/,
    );
  });
});

const real = resolve("../shared/data/globalopinionqa");
test.skipIf(!existsSync(real))("the real file has 2,760 usable rows (needs shared/data)", async () => {
  const source = await loadGlobalOpinionQA(real, "full");
  const rows = all(source);
  expect(rows).toHaveLength(2760);
  expect(source.notes).toEqual({
    "rows whose non-responses were dropped": 1740,
    "distributions that did not sum to 1, renormalised": 425,
    "rows left out: nobody answered": 9,
  });
  expect(new Set(rows.map(({ questionId }) => questionId)).size).toBe(772);
  for (const { target } of rows) expect(target!.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
});
