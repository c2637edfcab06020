import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadGlobalOpinionQA } from "../../datasets/index.ts";
import { readPredictions } from "../../eval/index.ts";

// One table, as pandas, pyarrow, polars, DuckDB and datasets write it (scripts/golden/tables.py).

const folder = join(import.meta.dirname, "..", "fixtures", "golden", "tables");
const names = readdirSync(folder);
const root = mkdtempSync(join(tmpdir(), "cuma-tables-"));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

const morning = { born: "2000-01-31", asked: "2020-02-29T12:30:15.25" };
const evening = { born: "1969-12-31", asked: "1969-12-31T23:59:59" };
const rows = [
  {
    profile: { country: "Japan", age: "25", urban: "true", ...morning, income: "1.5", share: "0.1" },
    answer: 0,
    weight: 1,
  },
  {
    profile: { country: "NA", age: "30", urban: "false", ...morning, income: "2.5", share: "0.2" },
    answer: 1,
    weight: 2,
  },
  { profile: { country: "None", urban: "true", ...morning, income: "-0.5", share: "0.3" }, answer: null, weight: 0.5 },
  { profile: { age: "41", urban: "true", ...evening, income: "1.5", share: "0.1" }, answer: 1, weight: 1 },
  {
    profile: { country: "Côte d'Ivoire", age: "25", urban: "false", ...evening, income: "2.5", share: "0.2" },
    answer: 0,
    weight: 1,
  },
  {
    profile: { country: "Japan", age: "30", urban: "false", ...evening, income: "10.5", share: "0.3" },
    answer: 1,
    weight: 3,
  },
].map((row, i) => ({
  ...row,
  exampleId: `e${i}`,
  questionId: i < 3 ? "1" : "2",
  participantId: String(9007199254740993n + BigInt(i)),
  options: ["Not at all", "Very much"],
  ordered: true,
  target: [0.5, 0.5],
  probabilities: [
    [0.25, 0.75],
    [0.5, 0.5],
    [1, 0],
    [0.125, 0.875],
    [0.75, 0.25],
    [0, 1],
  ][i],
}));

test.each(names.filter((name) => !name.startsWith("goqa")))("predictions: %s", async (name) => {
  const { table } = await readPredictions(join(folder, name));
  expect(Array.from({ length: table.rows }, (_, i) => table.row(i))).toEqual(rows);
});

test.each(names.filter((name) => name.startsWith("goqa")))("GlobalOpinionQA: %s", async (name) => {
  const dir = mkdtempSync(join(root, "goqa-"));
  copyFileSync(join(folder, name), join(dir, `table${extname(name)}`));
  const source = await loadGlobalOpinionQA(dir, "full");
  const found = Array.from({ length: source.length }, (_, i) => source.at(i));
  expect(
    found.map(({ profile, question, options, target }) => [profile["country"], question, options, target]),
  ).toEqual([
    ["Japan", "Is family important?", ["Very", "Rather", "Not at all"], [0.5, 0.25, 0.25]],
    ["Kenya", "Is family important?", ["Very", "Rather", "Not at all"], [0.75, 0.25, 0]],
    ["Japan", "Tea or coffee?", ["Tea", "Coffee"], [0.5, 0.5]],
  ]);
});
