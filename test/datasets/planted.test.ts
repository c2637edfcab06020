import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadWorldValuesBench, plantedTruth, writePlanted } from "../../datasets/index.ts";
import { messageOf } from "../../src/core/util/index.ts";

let root: string;
beforeAll(() => (root = mkdtempSync(join(tmpdir(), "cuma-planted-"))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Every file of a folder, by its path. */
function contents(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(files.map((path) => [path.slice(dir.length + 1), readFileSync(path, "utf8")]));
}

function thrown(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return messageOf(error);
  }
  throw new Error("expected an error");
}

const splits = ["train", "valid", "test"];
const group = (profile: Readonly<Record<string, string>>) => `${profile["country"]!}, ${profile["religion"]!}`;

test("equal seeds give equal bytes, other seeds other answers, and nothing else is written", () => {
  const dirs = ["a", "b", "c"].map((name) => join(root, name));
  dirs.forEach((out, i) => writePlanted({ out, seed: i === 2 ? 8 : 7, participants: 50 }));
  const [a, b, c] = dirs.map(contents) as [Record<string, string>, Record<string, string>, Record<string, string>];
  expect(Object.keys(a).sort()).toEqual([
    "answer_adjustment.json",
    "codebook.json",
    "question_metadata.json",
    "test/test_demographic_qa.tsv",
    "test/test_value_qa.tsv",
    "train/train_demographic_qa.tsv",
    "train/train_value_qa.tsv",
    "truth.json",
    "valid/valid_demographic_qa.tsv",
    "valid/valid_value_qa.tsv",
  ]);
  expect(b).toEqual(a);
  for (const name of ["truth.json", "train/train_value_qa.tsv"]) expect(c[name]).not.toBe(a[name]);
});

describe("the default data set", () => {
  let dir: string;
  beforeAll(() => {
    dir = join(root, "default");
    expect(writePlanted({ out: dir, seed: 1 })).toEqual({ train: 420, valid: 90, test: 90 });
  });

  test("the loader reads it: every participant once, every question answered", async () => {
    const seen = new Set<string>();
    for (const split of splits) {
      const data = await loadWorldValuesBench(dir, split);
      expect(data.length).toBe(data.participants * 24);
      for (let i = 0; i < data.length; i += 24) seen.add(data.at(i).participantId!);
      const first = data.at(0);
      expect(Object.keys(first.profile)).toEqual([
        "country",
        "age",
        "gender",
        "education",
        "marital_status",
        "religion",
        "employment",
      ]);
    }
    expect(seen.size).toBe(600);
  });

  test("options are those of the truth, though raw codes of Q2, Q3 and Q4 are adjusted", async () => {
    const data = await loadWorldValuesBench(dir, "valid");
    const truth = JSON.parse(contents(dir)["truth.json"]!) as { questions: Record<string, { options: string[] }> };
    expect(data.questions.map((q) => [q.id, q.options])).toEqual(
      Object.entries(truth.questions).map(([id, { options }]) => [id, options]),
    );
    expect(new Set(data.questions.map((q) => q.question)).size).toBe(24);
    for (const { question, options } of data.questions) {
      expect(question.split(" ").length).toBeLessThan(25);
      expect(options.length).toBeGreaterThanOrEqual(3);
      expect(options.length).toBeLessThanOrEqual(5);
    }
  });

  test("held-out combinations occur in the test split only, and each of them does", async () => {
    const truth = plantedTruth(dir);
    const groups = new Map<string, Map<string, boolean>>();
    for (const split of splits) {
      const data = await loadWorldValuesBench(dir, split);
      const found = new Map<string, boolean>();
      for (let i = 0; i < data.length; i += 24) {
        found.set(group(data.at(i).profile), truth.isHeldOut(data.at(i).profile));
      }
      groups.set(split, found);
    }
    const heldOut = (split: string) => [...groups.get(split)!.values()].filter(Boolean).length;
    expect(splits.map(heldOut)).toEqual([0, 0, 4]);
    expect(splits.map((split) => groups.get(split)!.size)).toEqual([28, 28, 32]);
  });

  test("a distribution is the mixture 0.6 country + 0.4 religion of well separated modes", () => {
    const { countries, religions, questions } = JSON.parse(contents(dir)["truth.json"]!) as {
      countries: Record<string, number[]>;
      religions: Record<string, number[]>;
      questions: Record<string, { modes: number[][] }>;
    };
    const truth = plantedTruth(dir);
    for (const [country, ofCountry] of Object.entries(countries)) {
      for (const [religion, ofReligion] of Object.entries(religions)) {
        for (const [id, { modes }] of Object.entries(questions)) {
          const found = truth.distribution(id, { country, religion });
          expect(found.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
          found.forEach((p, k) => {
            const expected = modes.reduce(
              (sum, mode, m) => sum + (0.6 * ofCountry[m]! + 0.4 * ofReligion[m]!) * mode[k]!,
              0,
            );
            expect(p).toBeCloseTo(expected, 12);
          });
        }
      }
    }
    for (const { modes } of Object.values(questions)) {
      const means = modes.map((mode) => mode.reduce((sum, p, k) => sum + p * k, 0)).sort((a, b) => a - b);
      for (let m = 1; m < 4; m++) expect(means[m]! - means[m - 1]!).toBeGreaterThan(0.2);
    }
  });

  test("a second run needs `overwrite`, and with it gives the same bytes", () => {
    const before = contents(dir);
    expect(thrown(() => writePlanted({ out: dir, seed: 1 }))).toContain(`${dir}: the output folder is not empty`);
    writePlanted({ out: dir, seed: 1, overwrite: true });
    expect(contents(dir)).toEqual(before);
  });

  test("errors name what was asked for and what there is", () => {
    const truth = plantedTruth(dir);
    expect(thrown(() => truth.distribution("Q99", { country: "Belmora", religion: "Old Tide" }))).toMatch(
      /truth\.json: unknown question "Q99"; expected one of Q9, .*did you mean "Q9"/,
    );
    expect(thrown(() => truth.isHeldOut({ country: "Atlantis", religion: "Old Tide" }))).toContain(
      'country "Atlantis"',
    );
    expect(thrown(() => truth.isHeldOut({ country: "Belmora" }))).toContain('religion ""');
    const other = join(root, "broken");
    writePlanted({ out: other, seed: 1, participants: 10 });
    writeFileSync(join(other, "truth.json"), '{"format": "cuma-planted", "seed": 1, "countries": 3}');
    expect(thrown(() => plantedTruth(other))).toMatch(/truth\.json: .*countries/s);
  });
});

test("a test split of few people has the held-out combinations before the others", async () => {
  const dir = join(root, "few");
  writePlanted({ out: dir, participants: 40, questions: 1 });
  const data = await loadWorldValuesBench(dir, "test");
  const truth = plantedTruth(dir);
  const people = Array.from({ length: data.length }, (_, i) => data.at(i).profile);
  expect(people).toHaveLength(6);
  expect(people.filter((profile) => truth.isHeldOut(profile))).toHaveLength(4);
});

test("empirical distributions converge to the truth", async () => {
  const dir = join(root, "large");
  writePlanted({ out: dir, seed: 3, participants: 20_000, questions: 6 });
  const data = await loadWorldValuesBench(dir, "train");
  const truth = plantedTruth(dir);
  const counts = new Map<string, { counts: number[]; expected: number[] }>();
  for (let i = 0; i < data.length; i++) {
    const { questionId, profile, options, answer } = data.at(i);
    const key = `${questionId}: ${group(profile)}`;
    let cell = counts.get(key);
    if (!cell) {
      counts.set(key, (cell = { counts: options.map(() => 0), expected: truth.distribution(questionId, profile) }));
    }
    cell.counts[answer!]!++;
  }
  expect(counts.size).toBe(28 * 6);
  let chiSquare = 0;
  let freedom = 0;
  for (const { counts: found, expected } of counts.values()) {
    const n = found.reduce((sum, c) => sum + c, 0);
    expect(n).toBe(500);
    found.forEach((c, k) => {
      expect(Math.abs(c / n - expected[k]!)).toBeLessThan(0.1);
      chiSquare += (c - n * expected[k]!) ** 2 / (n * expected[k]!);
    });
    freedom += found.length - 1;
  }
  // The statistic's mean is its degrees of freedom f and its standard deviation sqrt(2 f).
  expect(Math.abs(chiSquare - freedom)).toBeLessThan(4 * Math.sqrt(2 * freedom));
});

test("age, gender, education, marital status and employment do not depend on the group", async () => {
  const dir = join(root, "large");
  const data = await loadWorldValuesBench(dir, "train", { questions: ["Q1"] });
  for (const name of ["age", "gender", "education", "marital_status", "employment"]) {
    const values = [...data.attributeValues.get(name)!].sort();
    const countries = [...data.attributeValues.get("country")!].sort();
    const table = countries.map(() => values.map(() => 0));
    for (let i = 0; i < data.length; i++) {
      const { profile } = data.at(i);
      table[countries.indexOf(profile["country"]!)]![values.indexOf(profile[name]!)]!++;
    }
    for (const row of table) {
      const n = row.reduce((sum, c) => sum + c, 0);
      for (const c of row) expect(Math.abs(c / n - 1 / values.length)).toBeLessThan(0.05);
    }
  }
});

test("any allowed size: the splits are 70, 15 and 15% and the loader reads them", async () => {
  const sizes = fc.record({
    seed: fc.integer(),
    participants: fc.integer({ min: 10, max: 80 }),
    questions: fc.integer({ min: 1, max: 32 }),
    heldOut: fc.integer({ min: 0, max: 24 }),
  });
  await fc.assert(
    fc.asyncProperty(sizes, async (options) => {
      const dir = join(root, "property");
      const written = writePlanted({ out: dir, overwrite: true, ...options });
      const truth = plantedTruth(dir);
      for (const split of ["train", "valid", "test"] as const) {
        const data = await loadWorldValuesBench(dir, split);
        const share = split === "train" ? 0.7 : 0.15;
        expect(data.participants).toBe(written[split]);
        expect(Math.abs(data.participants - share * options.participants)).toBeLessThanOrEqual(1);
        for (let i = 0; split !== "test" && i < data.length; i += options.questions) {
          expect(truth.isHeldOut(data.at(i).profile)).toBe(false);
        }
      }
    }),
    { numRuns: 12, seed: 5 },
  );
});
