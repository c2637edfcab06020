import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { tableFromArrays } from "apache-arrow";
import { describe, expect, test } from "vitest";
import { loadGlobalOpinionQA, type ChoiceExample, type Source } from "../../datasets/index.ts";
import { writeColumnar } from "../../src/core/tables/columnar.ts";

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
  { country: "Japan", question: "One?", options: ["Yes", "No answer"], distribution: [0.5, 0.5] },
];

function folder(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), "goqa-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, ".."), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

const all = (source: Source<ChoiceExample>) => Array.from({ length: source.length }, (_, i) => source.at(i));
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
      "rows left out: not 2 to 26 options": 1,
    });
    expect(Object.keys(source.files)).toEqual(["distributions.json"]);
  });

  test("scales.json overrides the rule, and must name questions that there are", async () => {
    const files = { "d.json": JSON.stringify(LIST) };
    const [, , which] = all(await loadGlobalOpinionQA(folder({ ...files, "scales.json": '{"Which?": true}' }), "full"));
    expect(which!.ordered).toBe(true);
    const [first] = all(
      await loadGlobalOpinionQA(folder({ ...files, "scales.json": '{"How good is it?": false}' }), "full"),
    );
    expect(first!.ordered).toBe(false);
    await expect(loadGlobalOpinionQA(folder({ ...files, "scales.json": '{"Who?": true}' }), "full")).rejects.toThrow(
      /scales\.json: "Who\?" is no question of/,
    );
  });

  test("reads the hub's csv and parquet, and a table of one row per country, as the json", async () => {
    const columns = {
      question: ["How good, all in all?", 'Is it "fair"?\nThink of 2020.'],
      selections: [
        `defaultdict(<class 'list'>, {'Japan': [0.4, 0.3, 0.1, 0.2], "Côte d'Ivoire": [0.25, 0.25, 0.25, 0.25]})`,
        "defaultdict(<class 'list'>, {'Japan': [0.5, 0.5], 'Kenya': [1.0, 0.0]})",
      ],
      options: [`['Very good', "It's fine", 'Very bad', 'DK/Refused']`, "['Yes', 'No']"],
      source: ["GAS", "WVS"],
    };
    const json = [
      ["Japan", 0, ["Very good", "It's fine", "Very bad", "DK/Refused"], [0.4, 0.3, 0.1, 0.2]],
      ["Côte d'Ivoire", 0, ["Very good", "It's fine", "Very bad", "DK/Refused"], [0.25, 0.25, 0.25, 0.25]],
      ["Japan", 1, ["Yes", "No"], [0.5, 0.5]],
      ["Kenya", 1, ["Yes", "No"], [1, 0]],
    ].map(([country, q, options, distribution]) => {
      return { country, question: columns.question[q as number]!, options, distribution };
    });
    const expected = await load(json);
    expect(expected.map(({ profile }) => profile["country"])).toEqual(["Japan", "Côte d'Ivoire", "Japan", "Kenya"]);
    expect(expected.map(({ ordered }) => ordered)).toEqual([false, false, true, true]);

    const csv = (rows: readonly (readonly unknown[])[]) =>
      rows.map((row) => `${row.map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join()}\n`).join("");
    const names = Object.keys(columns) as (keyof typeof columns)[];
    const hub = csv([names, ...[0, 1].map((row) => names.map((name) => columns[name][row]!))]);
    expect(all(await loadGlobalOpinionQA(folder({ "data/global_opinions.csv": hub }), "full"))).toEqual(expected);

    const dir = folder({});
    mkdirSync(join(dir, "data"));
    writeColumnar(join(dir, "data", "train-00000-of-00001.parquet"), tableFromArrays(columns));
    expect(all(await loadGlobalOpinionQA(dir, "full"))).toEqual(expected);

    const flat = csv([
      ["country", "question", "options", "distribution"],
      ...json.map((row) => [row.country, row.question, JSON.stringify(row.options), JSON.stringify(row.distribution)]),
    ]);
    expect(all(await loadGlobalOpinionQA(folder({ "flat.csv": flat }), "full"))).toEqual(expected);
  });

  test.each([
    [{ question: ["Q?"], options: ["['a', 'b']"] }, /row 1: .*selections/],
    [{ question: [""], selections: ["{'Japan': [1, 0]}"], options: ["['a', 'b']"] }, /row 1: .*question/],
    [
      { question: ["Q?"], selections: ["{'Japan': 1}"], options: ["['a', 'b']"] },
      /row 1: selections: expected lists .*Japan/,
    ],
    [
      { question: ["Q?"], selections: ["{'Japan': [1, 0]}"], options: ["a or b"] },
      /row 1: options: expected a list of texts, found "a or b"/,
    ],
  ])("refuses a table of another schema, %#", async (columns, message) => {
    const dir = folder({});
    writeColumnar(join(dir, "t.parquet"), tableFromArrays(columns));
    await expect(loadGlobalOpinionQA(dir, "full")).rejects.toThrow(message);
  });

  test("a table's total is no answer", async () => {
    const options = ["Very good", "Somewhat good", "Very bad", "DK/Refused", "Total          N="];
    const source = await loadGlobalOpinionQA(
      folder({ "d.json": JSON.stringify([{ ...LIST[0]!, options, distribution: [0.2, 0.1, 0.1, 0.1, 0.5] }]) }),
      "full",
    );
    expect(source.at(0)).toMatchObject({ options: options.slice(0, 3), target: [0.5, 0.25, 0.25], ordered: true });
    expect(source.notes).toEqual({ "rows whose non-responses were dropped": 1 });
  });

  test("knows the countries of all splits, whatever the limit", async () => {
    const rows = Array.from({ length: 12 }, (_, i) => ({ ...LIST[0]!, country: `C${i}`, question: `Question ${i}?` }));
    const dir = folder({ "d.json": JSON.stringify(rows) });
    const { length, known } = await loadGlobalOpinionQA(dir, "test", { limit: 1 });
    expect(length).toBe(1);
    expect(known).toEqual(rows.map(({ country }) => ({ country })));
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

  test("the same words with other options are another question, in the same split", async () => {
    const ask = (options: string[]) =>
      Array.from({ length: 40 }, (_, q) => ({
        country: "Japan",
        question: `Question ${q}?`,
        options,
        distribution: options.map(() => 1 / options.length),
      }));
    const dir = folder({ "d.json": JSON.stringify([...ask(["Yes", "No"]), ...ask(["Yes", "Perhaps", "No"])]) });
    expect(new Set(all(await loadGlobalOpinionQA(dir, "full")).map(({ questionId }) => questionId)).size).toBe(80);
    const test = all(await loadGlobalOpinionQA(dir, "test"));
    expect(test.length).toBe(2 * new Set(test.map(({ question }) => question)).size);
  });

  const record = LIST[0]!;
  test.each([
    [{ ...record, distribution: [0.5, 0.5] }, /row 1: distribution: .* found 2 numbers for 4 options/],
    [{ ...record, distribution: [-0.1, 0.5, 0.3, 0.3] }, /row 1: distribution\[0\]: expected 0 or more, found -0.1/],
    [{ ...record, country: "" }, /row 1: country: expected a value/],
    [{ ...record, options: "Yes" }, /row 1: options: expected a list of texts, found "Yes"/],
  ])("refuses a bad row, %#", async (row, message) => {
    await expect(load([row])).rejects.toThrow(message);
  });

  test("refuses a second row for one question and country, an unknown split, two files", async () => {
    await expect(load([record, record])).rejects.toThrow(/row 2: "Japan" has an earlier row/);
    const dir = folder({ "a.json": "[]", "b.csv": "" });
    await expect(loadGlobalOpinionQA(dir, "full")).rejects.toThrow(/expected one table .*; found a\.json, b\.csv/);
    await expect(loadGlobalOpinionQA(dir, "tests")).rejects.toThrow(/test/);
  });

  test("refuses texts that are no Python list, without evaluating anything", async () => {
    const csv = `question,selections,options\nQ,"{'Japan': __import__('os')}","['a', 'b']"\n`;
    await expect(loadGlobalOpinionQA(folder({ "t.csv": csv }), "full")).rejects.toThrow(
      /row 1: selections: expected lists of finite numbers by name, found "\{'Japan/,
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
  expect(new Set(rows.filter(({ ordered }) => ordered).map(({ questionId }) => questionId)).size).toBe(601);
  expect(rows.flatMap(({ options }) => options).filter((option) => option.startsWith("Total"))).toEqual([]);
  for (const { target } of rows) expect(target!.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
});
