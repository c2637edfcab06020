import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  compare,
  evaluate,
  metrics,
  PredictionTableBuilder,
  readGenerations,
  readPredictions,
  scoreGenerations,
  writePredictions,
  type MetricResult,
  type PredictionTable,
} from "../../src/index.ts";
import { compareAccuracy, readTruth, withTruth } from "../../eval/index.ts";
import { Rng } from "../../src/core/util/index.ts";
import { cuma } from "../support/cli.ts";
import { temporaryFolder } from "../support/folder.ts";

const root = temporaryFolder("score");
const at = (name: string): string => join(root, name);

/** 60 people of three countries and two religions answer four questions; `mix` of the predictions is the marginal's. */
function predictions(mix: number): PredictionTable {
  const builder = new PredictionTableBuilder();
  const rng = new Rng(1, "people");
  for (let p = 0; p < 60; p++) {
    for (let q = 0; q < 4; q++) {
      const own = [0.2, 0.2, 0.2];
      own[(p + q) % 3]! += 0.4;
      builder.add({
        exampleId: `p${p}-q${q}`,
        questionId: `Q${q}`,
        participantId: `p${p}`,
        profile: { country: `C${p % 3}`, religion: p % 2 === 0 ? "one" : "other" },
        options: ["low", "middle", "high"],
        ordered: true,
        answer: rng.choice(own),
        target: null,
        probabilities: own.map((x) => (1 - mix) * x + mix / 3),
        weight: 1,
      });
    }
  }
  return builder.build();
}

const FORMATS = ["parquet", "arrow", "jsonl", "csv", "tsv"];
const table = predictions(0.2);
const other = predictions(0.9);

beforeAll(() => {
  for (const format of FORMATS) writePredictions(at(`a.${format}`), table, { base: "somebody's" });
  writePredictions(at("b.csv"), other);
});

/** What JSON makes of a result. */
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

type Printed = Record<string, Record<string, MetricResult>>;

async function score(...args: string[]): Promise<Printed> {
  const { code, stdout, stderr } = await cuma(["score", ...args, "--json"]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Printed;
}

test("prints the same as the library, from every format", async () => {
  const expected = json(evaluate(table, { resamples: 30, permutations: 20 }));
  const printed = await Promise.all(
    FORMATS.map((format) => score(at(`a.${format}`), "--resamples", "30", "--permutations", "20")),
  );
  for (const found of printed) expect(found).toEqual({ country: expected });
  const names = Object.keys(printed[0]!["country"]!);
  expect(names).toEqual([...Object.keys(metrics), "dispersionP"]);
  expect(printed[0]!["country"]!["mci"]).toEqual({
    value: expect.any(Number) as number,
    low: expect.any(Number) as number,
    high: expect.any(Number) as number,
    n: 240,
    excluded: {},
  });
  expect(printed[0]!["country"]!["dispersionP"]).toMatchObject({ value: 1 / 21, low: null, high: null, n: 240 });
});

test("several groupings, other seeds and clusters", async () => {
  const args = [at("a.parquet"), "--resamples", "20", "--permutations", "0"];
  const found = await score(
    ...args,
    "--by",
    "country",
    "--by",
    "country,religion",
    "--seed",
    "3",
    "--cluster",
    "question",
  );
  const of = (by: string[]) => json(evaluate(table, { by, resamples: 20, seed: 3, cluster: "question" }));
  expect(found).toEqual({ country: of(["country"]), "country,religion": of(["country", "religion"]) });
  expect(found["country,religion"]!["mci"]!.value).not.toBe(found["country"]!["mci"]!.value);
});

test("prints a table for people, and writes results with what they rest on", async () => {
  const out = at("scores.json");
  const args = ["score", at("a.csv"), "--resamples", "20", "--permutations", "5", "--out", out];
  const { code, stdout, stderr } = await cuma(args);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(
    /^by country\nmetric +value +95% interval +n +left out\naccuracy +0\.\d{4} +\[0\.\d{4}, 0\.\d{4}\] +240 +none\n/,
  );
  expect(stdout).toMatch(/\ndispersionP +0\.\d{4} +n\/a/);
  expect(stdout).toContain(`results: ${out}`);
  const results = JSON.parse(readFileSync(out, "utf8")) as Record<string, unknown>;
  expect(results).toMatchObject({
    config: { predictions: at("a.csv"), by: [], resamples: 20, permutations: 5, truth: null, cluster: null },
    seed: 0,
    versions: { cuma: expect.any(String) as string, node: expect.any(String) as string },
    files: { [at("a.csv")]: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    metadata: { base: "somebody's" },
    samples: { examples: 240, participants: 60, questions: 4 },
    excluded: {},
    groupings: { country: json(evaluate(table, { resamples: 20, permutations: 5 })) },
    against: null,
  });
  expect(results).toHaveProperty("gitHash");
  const before = readFileSync(out);
  expect(await cuma(args)).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining("--overwrite") as string,
  });
  expect((await cuma([...args, "--overwrite"])).code).toBe(0);
  expect(readFileSync(out).equals(before)).toBe(false);
  expect((JSON.parse(readFileSync(out, "utf8")) as typeof results)["groupings"]).toEqual(results["groupings"]);
});

test("a truth of its own: known answers, and rows without one are counted", async () => {
  const truth = at("truth.csv");
  const rows = [0, 1, 2].flatMap((c) =>
    [0, 1, 2].map((q) => {
      const p = [0.2, 0.2, 0.2];
      p[(c + q) % 3]! += 0.4;
      return `Q${q},C${c},"[${p.map((x) => x.toFixed(1)).join()}]"`;
    }),
  );
  writeFileSync(truth, `question_id,country,target\n${rows.join("\n")}\n`);
  const found = (await score(at("a.parquet"), "--truth", truth, "--resamples", "10", "--permutations", "0"))[
    "country"
  ]!;
  expect(found["mci"]!.value).toBeCloseTo(0.2, 9);
  expect(found["rho"]!.value).toBeCloseTo(1, 9);
  expect(found["beta"]!.value).toBeCloseTo(0.8, 9);
  for (const result of Object.values(found)) {
    expect(result.excluded).toMatchObject({ "no truth for the question and group": 60 });
  }
  expect(found["mci"]!.n).toBe(180);
  // What a person answered is still known.
  expect(found["accuracy"]!.n).toBe(180);
});

test("against another model", async () => {
  const args = [
    at("a.parquet"),
    "--against",
    at("b.csv"),
    "--by",
    "country",
    "--resamples",
    "40",
    "--permutations",
    "0",
  ];
  const { against, ...rest } = await score(...args);
  expect(Object.keys(rest)).toEqual(["country"]);
  const found = against as unknown as Record<string, { metrics: Record<string, object>; mcnemar: object }>;
  expect(found["country"]!.metrics).toEqual(json(compare(table, other, { by: ["country"], resamples: 40 })));
  expect(found["country"]!.mcnemar).toEqual({ onlyA: 0, onlyB: 0, p: 1 });
  const { stdout } = await cuma(["score", ...args]);
  expect(stdout).toMatch(/metric +this +other +difference +95% interval +p +adjusted p +n\naccuracy/);
  expect(stdout).toContain("right in this only: 0, in the other only: 0 answers; exact McNemar p 1.000");
});

test("against a model that is right elsewhere: by every grouping, with a truth of its own, and printed", async () => {
  const builder = new PredictionTableBuilder();
  for (let i = 0; i < table.rows; i++) {
    const row = table.row(i);
    builder.add(i % 7 === 0 ? { ...row, probabilities: [...row.probabilities].reverse() } : row);
  }
  writePredictions(at("reversed.csv"), builder.build());
  const target = (q: number): string => JSON.stringify(q % 2 === 0 ? [0.5, 0.25, 0.25] : [0.125, 0.125, 0.75]);
  const truths = [0, 1, 2].flatMap((q) =>
    ["one", "other"].map((religion, i) => `Q${q},${religion},"${target(q + i)}"`),
  );
  writeFileSync(at("by religion.csv"), `question_id,religion,target\n${truths.join("\n")}\n`);
  const groupings = [["country"], ["country", "religion"]];
  const args = [
    ...[at("a.parquet"), "--against", at("reversed.csv"), "--truth", at("by religion.csv"), "--seed", "3"],
    ...["--resamples", "40", "--permutations", "0", ...groupings.flatMap((by) => ["--by", by.join(",")])],
  ];
  const truth = await readTruth(at("by religion.csv"));
  const [a, b] = [table, builder.build()].map((of) => withTruth(of, truth).table) as [PredictionTable, PredictionTable];
  const { against } = await score(...args);
  const expected = groupings.map((by) => {
    const metrics = compare(a, b, { by, resamples: 40, seed: 3 });
    return [by.join(","), { metrics, mcnemar: compareAccuracy(a, b, { by }) }] as const;
  });
  expect(against).toEqual(json(Object.fromEntries(expected)));
  const { metrics, mcnemar } = expected[0]![1];
  expect(mcnemar.onlyA).not.toBe(mcnemar.onlyB);
  const { stdout } = await cuma(["score", ...args]);
  const [, comparison] = stdout.split(`by country, against ${at("reversed.csv")}\n`);
  const row = /^nll +(.*)$/m.exec(comparison!)![1]!.split(/ {2,}/);
  const { nll } = metrics;
  expect(row.slice(0, 3)).toEqual([nll.a, nll.b, nll.difference].map((value) => value.toFixed(4)));
  expect(row.slice(4)).toEqual([...[nll.p, nll.pAdjusted].map((p) => p.toFixed(3)), String(nll.n)]);
  expect(comparison).toContain(`right in this only: ${mcnemar.onlyA}, in the other only: ${mcnemar.onlyB} answers`);
});

describe("says what is wrong, where, and prints nothing", () => {
  const row = {
    example_id: "e1",
    question_id: "q",
    options: ["a", "b"],
    ordered: true,
    answer: 1,
    probabilities: [0.5, 0.5],
    country: "X",
  };
  const second = { ...row, example_id: "e2" };
  const cases: Record<string, [content: string | object[], args: string[], code: number, says: string]> = {
    "sum of probabilities": [
      [row, { ...second, probabilities: [0.5, 0.6] }],
      [],
      1,
      'row 2 (example "e2"): probabilities: expected a sum of 1 (within 0.001), found 1.1',
    ],
    "negative probability": [
      [{ ...row, probabilities: [-0.5, 1.5] }],
      [],
      1,
      'row 1 (example "e1"): probabilities[0]: expected a number in [0, 1], found -0.5',
    ],
    "no number": [
      '{"example_id":"e1","question_id":"q","options":["a","b"],"ordered":true,"probabilities":[NaN,1]}',
      [],
      1,
      "row 1: is not JSON",
    ],
    "null for a number": [
      [{ ...row, probabilities: [null, 1] }],
      [],
      1,
      "row 1: probabilities: expected a list of finite numbers, found [null,1]",
    ],
    "duplicate id": [[row, row], [], 1, 'row 2 (example "e1"): an earlier row has the same example id'],
    "one option": [
      [{ ...row, options: ["a"], probabilities: [1], answer: 0 }],
      [],
      1,
      "expected 2 options or more, found 1",
    ],
    "other options of a question": [
      [row, { ...second, options: ["b", "a"] }],
      [],
      1,
      'row 2 (example "e2"): options: expected those of the question\'s earlier rows',
    ],
    "unknown attribute": [[row], ["--by", "religion"], 1, 'unknown attribute "religion"; expected one of country'],
    "grouping twice": [[row], ["--by", "country", "--by", "country"], 2, "--by country: expected each grouping once"],
    "no rows": [[], [], 1, "expected predictions; found no row"],
    "no name": [[row], ["--by", "country,"], 2, "Expected names with commas between them"],
    "unknown cluster": [[row], ["--cluster", "person"], 2, "Allowed choices are participant, question"],
    "truth is missing": [[row], ["--truth", at("missing.csv")], 1, "missing.csv"],
  };
  test.each(Object.entries(cases))("%s", async (name, [content, args, code, says]) => {
    const path = at(`bad ${name}.jsonl`);
    writeFileSync(
      path,
      typeof content === "string" ? content : content.map((line) => `${JSON.stringify(line)}\n`).join(""),
    );
    const out = at(`out ${name}.json`);
    const found = await cuma(["score", path, ...args, "--out", out]);
    expect(found).toMatchObject({ code, stdout: "" });
    expect(found.stderr).toContain(says);
    if (code === 1 && !says.includes("attribute") && !says.includes("missing")) expect(found.stderr).toContain(path);
    expect(existsSync(out)).toBe(false);
  });

  test("a row without a group is left out of what is measured between groups, and counted", async () => {
    const path = at("no group.jsonl");
    writeFileSync(path, [row, { ...second, country: "" }].map((line) => `${JSON.stringify(line)}\n`).join(""));
    const found = await cuma(["score", path, "--json"]);
    expect(found).toMatchObject({ code: 0 });
    expect((JSON.parse(found.stdout) as Record<string, object>)["country"]).toMatchObject({
      accuracy: { n: 2, excluded: {} },
      groupEmd: { n: 1, excluded: { "no country": 1 } },
    });
  });

  test("NaN in a parquet file", async () => {
    const path = at("nan.parquet");
    const { table: good } = await readPredictions(at("a.parquet"));
    const probabilities = good.probabilities.slice();
    probabilities[3] = NaN;
    writePredictions(path, { ...good, probabilities });
    const found = await cuma(["score", path]);
    expect(found).toMatchObject({ code: 1, stdout: "" });
    expect(found.stderr).toContain(`${path}: row 2: probabilities: expected a list of finite numbers, found [NaN,`);
  });

  test("an empty file", async () => {
    writeFileSync(at("empty.csv"), "");
    const found = await cuma(["score", at("empty.csv")]);
    expect(found).toMatchObject({ code: 1, stdout: "" });
    expect(found.stderr).toContain("empty.csv: header: expected the columns example_id");
  });

  test("examples that differ between two models", async () => {
    const few = new PredictionTableBuilder();
    for (let i = 0; i < 239; i++) few.add(table.row(i));
    writePredictions(at("few.parquet"), few.build());
    const found = await cuma(["score", at("a.parquet"), "--against", at("few.parquet"), "--resamples", "0"]);
    expect(found).toMatchObject({ code: 1, stdout: "" });
    expect(found.stderr).toContain(
      `example "p59-q3": is in ${at("a.parquet")} only; expected the same examples in ${at("few.parquet")}`,
    );
  });
});

describe("what does not apply is null, with a reason", () => {
  const write = (name: string, rows: object[]): string => {
    writeFileSync(at(name), rows.map((line) => JSON.stringify(line)).join("\n"));
    return at(name);
  };
  const row = (i: number, more: object): object => ({
    ...{
      example_id: `e${i}`,
      question_id: `q${i % 2}`,
      options: ["a", "b"],
      ordered: true,
      answer: i % 3 === 0 ? 0 : 1,
    },
    ...{ participant_id: `p${i}`, probabilities: [0.4, 0.6] },
    ...more,
  });
  const rows = (more: (i: number) => object): object[] => Array.from({ length: 12 }, (_, i) => row(i, more(i)));
  const quick = ["--resamples", "5", "--permutations", "5"];

  test("a single group", async () => {
    const found = (
      await score(
        write(
          "single.jsonl",
          rows(() => ({ country: "X" })),
        ),
        ...quick,
      )
    )["country"]!;
    expect(found["mci"]).toEqual({
      ...{ value: null, low: null, high: null, n: 12 },
      excluded: { "questions with fewer than two groups": 2 },
    });
    expect(found["dispersionP"]).toMatchObject({ value: null, excluded: { "fewer than two groups": 12 } });
    expect(found["accuracy"]!.value).toBe(8 / 12);
  });

  test("no attribute at all", async () => {
    const found = (
      await score(
        write(
          "none.jsonl",
          rows(() => ({})),
        ),
        ...quick,
      )
    )["all"]!;
    expect(found["groupEmd"]).toMatchObject({ value: null, n: 0, excluded: { "no attribute": 12 } });
    expect(found["emdProb"]!.n).toBe(12);
  });

  test("rows that lack the attribute are counted", async () => {
    const path = write(
      "some.jsonl",
      rows((i) => (i < 5 ? { country: null } : { country: `C${i % 2}` })),
    );
    const found = (await score(path, ...quick))["country"]!;
    expect(found["groupEmd"]).toMatchObject({ n: 7, excluded: { "no country": 5 } });
  });
});

describe("other tables", () => {
  beforeAll(() => {
    const rows = ["Tea is best.", "Tea is best.", "I prefer coffee.", "Water, always."].map((text, i) => ({
      prompt_id: `p${i % 2}`,
      country: i < 2 ? "Japan" : "Kenya",
      text,
    }));
    writeFileSync(at("generations.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    writeFileSync(
      at("judgements.csv"),
      "example_id,order,winner\na,ab,first\na,ba,second\nb,ab,first\nb,ba,first\nc,ab,second\nc,ba,first\n",
    );
  });

  test("generations and judgements are scored as the library does, and printed", async () => {
    const options = { by: ["country"], resamples: 20, seed: 3 };
    const run = await cuma([
      ...["score", at("generations.jsonl"), "--kind", "generations", "--by", "country"],
      ...["--resamples", "20", "--seed", "3", "--json", "--out", at("generations.json")],
    ]);
    expect(run.code).toBe(0);
    const { overall, groups } = scoreGenerations(await readGenerations(at("generations.jsonl")), options);
    expect(JSON.parse(run.stdout)).toMatchObject(json({ kind: "generations", seed: 3, overall, groups }) as object);
    expect(JSON.parse(readFileSync(at("generations.json"), "utf8"))).toEqual(JSON.parse(run.stdout));
    const text = await cuma(["score", at("judgements.csv"), "--kind", "judgements"]);
    expect(text.stdout).toMatch(/^winRate +0\.5000 +\[/m);
    const judged = ["a,X,ab,first", "a,X,ba,second", "b,Y,ab,second", "b,Y,ba,first"];
    writeFileSync(at("by group.csv"), `example_id,country,order,winner\n${judged.join("\n")}\n`);
    const groupsOf = await cuma(["score", at("by group.csv"), "--kind", "judgements", "--by", "country"]);
    expect(groupsOf.stdout).toMatch(/\nX\nmetric.*\nwinRate +1\.0000[\s\S]*\nY\nmetric.*\nwinRate +0\.0000/);
  });

  test.each([
    [["--kind", "judgements", "--truth", "x.csv"], /--truth is for predictions/],
    [["--kind", "judgements", "--permutations", "5"], /--permutations is for predictions/],
    [["--kind", "judgements", "--against", "x.csv"], /--against is for predictions/],
    [["--kind", "judgements", "--cluster", "question"], /--cluster is for predictions/],
    [["--kind", "judgements", "--by", "a", "--by", "b"], /expected one --by/],
    [["--kind", "verdicts"], /Allowed choices are predictions, generations/],
  ])("refuses %j", async (flags, message) => {
    const run = await cuma(["score", at("judgements.csv"), ...flags]);
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(message);
  });

  test("does not replace a file without being asked, and names the row that is wrong", async () => {
    const args = ["score", at("judgements.csv"), "--kind", "judgements"];
    const refused = await cuma([...args, "--out", at("a.csv")]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("there is such a file already");
    const wrong = await cuma(["score", at("a.csv"), "--kind", "judgements"]);
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    expect(wrong.stderr).toMatch(/a\.csv: .*order/);
  });
});

test("control characters of groups do not reach the terminal", async () => {
  const rows = [1, 2].map((i) => ({ prompt_id: "p", country: "\u001b[31mred", text: `Text ${i}.` }));
  writeFileSync(at("control.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const run = await cuma(["score", at("control.jsonl"), "--kind", "generations", "--by", "country"]);
  expect(run.code).toBe(0);
  expect(run.stdout).toContain("\\u{1b}[31mred");
  expect(run.stdout).not.toContain("\u001b");
});
