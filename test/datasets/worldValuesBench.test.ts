import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { datasets, loadWorldValuesBench, writePlanted } from "../../datasets/index.ts";
import { CumaError } from "../../src/core/util/index.ts";

const COLUMNS = ["D_INTERVIEW", "B_COUNTRY", "X003R", "Q260", "Q275", "Q273", "Q289", "Q290", "Q279"];
const NAMES = ["country", "age", "gender", "education", "marital_status", "religion", "ethnicity", "employment"];

let root: string;
beforeAll(() => (root = mkdtempSync(join(tmpdir(), "cuma-wvb-"))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Files = Record<string, unknown>;

const value = (question: string, min: number, max: number) => ({
  question,
  category: "Values",
  use_case: "value",
  answer_scale_min: min,
  answer_scale_max: max,
  answer_data_type: "ordinal",
});
const demographic = { question: "", category: "", use_case: "demographic", answer_scale_min: "", answer_scale_max: "" };
const tsv = (rows: readonly (readonly string[])[]) => rows.map((row) => `${row.join("\t")}\n`).join("");

/** Three people and three questions: one plain scale, one remapped, one from 0 with two codes for its lowest level. */
function small(): Files {
  return {
    "question_metadata.json": {
      ...Object.fromEntries(COLUMNS.map((column) => [column, demographic])),
      Q1: value("How important is family? ", 1, 3),
      Q2: value("Better or worse off?", 1, 3),
      Q3: value("Member of a club?", 1, 2),
    },
    "codebook.json": {
      Q1: { choices: { "1": "Very", "2": "Rather", "3": "Not", "-1": "Don't know" } },
      Q2: { choices: { "1": "Better", "2": "Worse", "3": "The same" } },
      Q3: { choices: { "0": "Against it", "1": "No", "2": "Yes", "3": "Other" } },
      Q273: { choices: { "1": "Married", "2": "Single", "-2": "No answer", "-5": "Missing; Not available" } },
      Q290: { choices: { "1": "Northern", "9": "Not asked", "-4": "Not asked" } },
    },
    "answer_adjustment.json": { Q2: { "2": "3", "3": "2" }, Q3: { "0": "1", "3": "" } },
    "train/train_demographic_qa.tsv": tsv([
      ["A_YEAR", ...COLUMNS],
      ["2020", "3", "Borduria", "16-24 years", "Female", "Primary", "Single", "Hindu", "Northern", "Student"],
      ["2020", "1", "Syldavia", "25-34 years", "Male", "", "No answer", "", "Not asked", "Full time"],
      ["2020", "2", "Syldavia", '"65 and ""over"""', "Male", "", "Married", "", "", ""],
    ]),
    "train/train_value_qa.tsv": tsv([
      ["D_INTERVIEW", "Q1", "Q2", "Q3"],
      ["1", "3", "2", ""],
      ["2", "", "3", "1"],
      ["3", "1", "", "2"],
    ]),
  };
}

let folders = 0;
function write(files: Files): string {
  const dir = join(root, String(++folders));
  mkdirSync(dir);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return dir;
}

describe("a small data set", () => {
  test("examples come in the order of the answers, with adjusted options and known attributes only", async () => {
    const data = await loadWorldValuesBench(write(small()), "train");
    expect(data.length).toBe(6);
    expect(data.participants).toBe(3);
    expect(data.attributes).toEqual(NAMES);
    expect(Array.from({ length: 6 }, (_, i) => data.at(i).id)).toEqual([
      "1:Q1",
      "1:Q2",
      "2:Q2",
      "2:Q3",
      "3:Q1",
      "3:Q3",
    ]);
    expect(data.at(0)).toEqual({
      id: "1:Q1",
      questionId: "Q1",
      participantId: "1",
      profile: {
        country: "Syldavia",
        age: "25-34 years",
        gender: "Male",
        ethnicity: "Not asked",
        employment: "Full time",
      },
      question: "How important is family?",
      options: ["Very", "Rather", "Not"],
      ordered: true,
      answer: 2,
      target: null,
      weight: 1,
    });
    const { profile } = data.at(4);
    expect(Object.keys(profile)).toEqual(NAMES);
    expect(data.at(2).profile).toEqual({
      country: "Syldavia",
      age: '65 and "over"',
      gender: "Male",
      marital_status: "Married",
    });
    expect(data.questions).toEqual([
      {
        id: "Q1",
        category: "Values",
        question: "How important is family?",
        options: ["Very", "Rather", "Not"],
        lowest: 1,
      },
      {
        id: "Q2",
        category: "Values",
        question: "Better or worse off?",
        options: ["Better", "The same", "Worse"],
        lowest: 1,
      },
      { id: "Q3", category: "Values", question: "Member of a club?", options: ["No", "Yes"], lowest: 1 },
    ]);
    expect(data.at(1).answer).toBe(1);
    expect([...data.attributeValues.get("marital_status")!].sort()).toEqual(["Married", "Single"]);
    expect([...data.attributeValues.keys()]).toEqual(NAMES);
    expect(data.known.slice(0, 3)).toEqual([data.at(0).profile, data.at(2).profile, profile]);
    expect(data.known).toContainEqual({ marital_status: "Single" });
    expect(data.known).not.toContainEqual({ ethnicity: "No answer" });
    expect(() => data.at(6)).toThrow("[0, 6); found 6");
    expect(() => data.at(-1)).toThrow(RangeError);
  });

  test("`find` gives any answer there is, whatever was drawn", async () => {
    const data = await loadWorldValuesBench(write(small()), "train", { limit: 1 });
    expect(data.find("Q3", "3")).toMatchObject({ id: "3:Q3", answer: 1 });
    expect(data.find("Q2", "1")).toMatchObject({ id: "1:Q2", answer: 1 });
    expect(data.find("Q3", "1")).toBeUndefined();
    expect(data.find("Q9", "1")).toBeUndefined();
    expect(data.find("Q1", "9")).toBeUndefined();
  });

  test("`questions` restricts what is loaded", async () => {
    const dir = write(small());
    const data = await loadWorldValuesBench(dir, "train", { questions: ["Q3", "Q2"] });
    expect(Array.from({ length: data.length }, (_, i) => data.at(i).id)).toEqual(["1:Q2", "2:Q2", "2:Q3", "3:Q3"]);
    expect(data.find("Q1", "1")).toBeUndefined();
    await expect(loadWorldValuesBench(dir, "train", { questions: ["Q11"] })).rejects.toThrow('question "Q11"');
    await expect(loadWorldValuesBench(dir, "train", { questions: [] })).rejects.toThrow("at least one");
  });

  test("the scale may start at 0", async () => {
    const files = small();
    files["question_metadata.json"] = { Q3: value("Member?", 0, 2) };
    files["answer_adjustment.json"] = {};
    files["train/train_value_qa.tsv"] = tsv([
      ["D_INTERVIEW", "Q3"],
      ["1", "0"],
      ["2", "2"],
      ["3", ""],
    ]);
    const data = await loadWorldValuesBench(write(files), "train");
    expect([data.at(0).answer, data.at(1).answer, data.length]).toEqual([0, 2, 2]);
    expect(data.at(0).options).toEqual(["Against it", "No", "Yes"]);
  });

  test("files may lie as in the benchmark's repository, and each has its SHA-256", async () => {
    const files = Object.entries(small()).map(([name, content]): [string, unknown] => [
      name.endsWith(".json") ? `dataset_construction/${name}` : `WorldValuesBench/${name}`,
      content,
    ]);
    const dir = write(Object.fromEntries(files));
    const data = await datasets.wvb.load(dir, "train", {});
    expect(Object.keys(data.files).sort()).toEqual(files.map(([name]) => name).sort());
    for (const [name, hash] of Object.entries(data.files)) {
      expect(hash).toBe(
        createHash("sha256")
          .update(readFileSync(join(dir, name)))
          .digest("hex"),
      );
    }
  });
});

describe("bad input", () => {
  const VALUE = "train/train_value_qa.tsv";
  const DEMOGRAPHIC = "train/train_demographic_qa.tsv";
  const edit = (name: string, from: string, to: string) => (files: Files) => {
    const text = files[name] as string;
    expect(text).toContain(from);
    files[name] = text.replace(from, to);
  };
  const drop = (name: string) => (files: Files) => {
    files[name] = undefined;
  };
  const cases: [string, (files: Files) => void, ...string[]][] = [
    ["a column of the profile is missing", edit(DEMOGRAPHIC, "Q260", "Q261"), DEMOGRAPHIC, "Q260", "Q261"],
    ["a question's column is missing", (files) => (files[VALUE] = "D_INTERVIEW\tQ1\tQ3\n"), VALUE, "Q2"],
    ["the file of answers is empty", (files) => (files[VALUE] = ""), VALUE],
    ["an unknown question column", edit(VALUE, "Q3\n", "Q3\tQ77\n"), VALUE, "Q77", "expected one of"],
    ["an answer is no integer", edit(VALUE, "\n2\t\t3\t1", "\n2\t\t3.5\t1"), `${VALUE}:3: Q2`, "an integer", '"3.5"'],
    ["an answer is a word", edit(VALUE, "\n1\t3", "\n1\tyes"), `${VALUE}:2: Q1`, "an integer", '"yes"'],
    ["an answer is above its scale", edit(VALUE, "\n3\t1\t\t2", "\n3\t1\t\t3"), `${VALUE}:4: Q3`, "from 1 to 2", '"3"'],
    ["an answer is below its scale", edit(VALUE, "\n3\t1", "\n3\t-1"), `${VALUE}:4: Q1`, "from 1 to 3", '"-1"'],
    ["too few fields", edit(VALUE, "\n2\t\t3\t1", "\n2\t\t3"), VALUE, "3"],
    ["a participant answers twice", edit(VALUE, "\n3\t", "\n1\t"), `${VALUE}:4: D_INTERVIEW`, "found 1 on line 2"],
    [
      "a participant is described twice",
      edit(DEMOGRAPHIC, "2020\t2", "2020\t3"),
      `${DEMOGRAPHIC}:4`,
      "found 3 on line 2",
    ],
    ["a participant without number", edit(VALUE, "\n3\t", "\n\t"), `${VALUE}:4: D_INTERVIEW`, "found nothing"],
    ["answers of nobody", edit(VALUE, "\n3\t", "\n4\t"), `${VALUE}:4: D_INTERVIEW`, DEMOGRAPHIC, "found 4"],
    ["somebody without answers", edit(VALUE, "\n3\t1\t\t2", ""), `${DEMOGRAPHIC}:2: D_INTERVIEW`, VALUE, "found 3"],
    ["a file is missing", drop(VALUE), VALUE, "found none"],
    ["the codebook is missing", drop("codebook.json"), "codebook.json", "dataset_construction/codebook.json"],
    ["the codebook is no JSON", (files) => (files["codebook.json"] = "{"), "codebook.json: is not JSON"],
    [
      "a question without codebook entry",
      (files) => delete (files["codebook.json"] as Files)["Q2"],
      "codebook.json: Q2: expected an entry",
    ],
    [
      "a level without text",
      (files) => ((files["codebook.json"] as Files)["Q2"] = { choices: { "1": "Better", "2": "Worse" } }),
      "codebook.json: Q2: expected a text for level 2",
    ],
    [
      "a scale without ends",
      (files) => ((files["question_metadata.json"] as Files)["Q1"] = { ...value("?", 1, 3), answer_scale_max: "" }),
      'question_metadata.json: "Q1.answer_scale_max"',
    ],
    [
      "a scale that runs backwards",
      (files) => ((files["question_metadata.json"] as Files)["Q1"] = value("?", 3, 1)),
      "question_metadata.json: Q1: expected answer_scale_min < answer_scale_max; found 3 to 1",
    ],
  ];
  test.each(cases)("%s", async (_, spoil, ...parts) => {
    const files = small();
    spoil(files);
    const dir = write(Object.fromEntries(Object.entries(files).filter(([, content]) => content !== undefined)));
    const error: unknown = await loadWorldValuesBench(dir, "train").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CumaError);
    for (const part of parts) expect((error as CumaError).message).toContain(part);
  });

  test("no folder, a file instead of one, an unknown split, a bad limit", async () => {
    const dir = write(small());
    const load = (where: string, split = "train", limit?: number) => loadWorldValuesBench(where, split, { limit });
    await expect(load(join(dir, "nowhere"))).rejects.toThrow(/nowhere: .*no such file or folder/);
    await expect(load(join(dir, "codebook.json"))).rejects.toThrow(/codebook\.json: .*expected a folder/);
    await expect(load(dir, "tran")).rejects.toThrow(
      'unknown split "tran"; expected one of train, valid, test, full; did you mean "train"?',
    );
    for (const limit of [0, -1, 1.5]) await expect(load(dir, "train", limit)).rejects.toThrow(`found ${limit}`);
  });
});

describe("a limit", () => {
  let dir: string;
  beforeAll(() => {
    dir = join(root, "planted");
    writePlanted({ out: dir, seed: 2, participants: 60, questions: 4 });
  });
  const ids = async (limit: number | undefined, seed?: number) => {
    const data = await loadWorldValuesBench(dir, "train", { limit, seed });
    return Array.from({ length: data.length }, (_, i) => data.at(i).id);
  };

  test("equal seeds give equal draws, a smaller limit the first of a larger one's, another seed another draw", async () => {
    const first = await ids(50, 1);
    expect(first).toHaveLength(50);
    expect(new Set(first).size).toBe(50);
    expect(await ids(50, 1)).toEqual(first);
    expect(await ids(20, 1)).toEqual(first.slice(0, 20));
    expect(await ids(50, 2)).not.toEqual(first);
  });

  test("a limit above what there is gives everything, shuffled", async () => {
    const all = await ids(undefined);
    const drawn = await ids(1000, 1);
    expect(all).toHaveLength(168);
    expect(drawn).not.toEqual(all);
    expect([...drawn].sort()).toEqual([...all].sort());
  });

  test("every pair is equally likely to be drawn, and to be drawn first", async () => {
    const small = write({
      ...Object.fromEntries(
        ["question_metadata", "codebook", "answer_adjustment"].map((name) => [
          `${name}.json`,
          readFileSync(join(dir, `${name}.json`), "utf8"),
        ]),
      ),
      "train/train_demographic_qa.tsv": tsv([
        COLUMNS,
        ...["1", "2"].map((id) => [id, ...COLUMNS.slice(1).map(() => "")]),
      ]),
      "train/train_value_qa.tsv": tsv([
        ["D_INTERVIEW", "Q1", "Q2", "Q3", "Q4"],
        ["1", "1", "", "2", "1"],
        ["2", "", "", "", "3"],
      ]),
    });
    const runs = 1000;
    const drawn = new Map<string, number>();
    const firsts = new Map<string, number>();
    for (let seed = 0; seed < runs; seed++) {
      const data = await loadWorldValuesBench(small, "train", { limit: 2, seed });
      const pair = [data.at(0).id, data.at(1).id];
      for (const id of pair) drawn.set(id, (drawn.get(id) ?? 0) + 1);
      firsts.set(pair[0]!, (firsts.get(pair[0]!) ?? 0) + 1);
    }
    expect([...drawn.keys()].sort()).toEqual(["1:Q1", "1:Q3", "1:Q4", "2:Q4"]);
    // Four standard deviations of a binomial count.
    for (const n of drawn.values()) expect(Math.abs(n - runs / 2)).toBeLessThan(4 * Math.sqrt(runs / 4));
    for (const n of firsts.values()) expect(Math.abs(n - runs / 4)).toBeLessThan(4 * Math.sqrt((runs * 3) / 16));
  });
});

const real = join(process.env["CUMA_SHARED_DATA"] ?? "../shared/data", "worldvaluesbench");
describe.skipIf(!existsSync(real))("the real metadata (skipped where CUMA_SHARED_DATA has no worldvaluesbench)", () => {
  const read = (name: string) => JSON.parse(readFileSync(join(real, name), "utf8")) as Record<string, Files>;
  const load = (answers: Readonly<Record<string, string>> = {}) => {
    const metadata = read("question_metadata.json");
    const ids = Object.keys(metadata).filter((id) => metadata[id]!["use_case"] === "value");
    const dir = write({
      "valid/valid_demographic_qa.tsv": tsv([COLUMNS, ["70", "Chile", ...Array<string>(7).fill("No answer")]]),
      "valid/valid_value_qa.tsv": tsv([
        ["D_INTERVIEW", ...ids],
        ["70", ...ids.map((id) => answers[id] ?? "")],
      ]),
    });
    for (const name of ["question_metadata.json", "codebook.json", "answer_adjustment.json"]) {
      copyFileSync(join(real, name), join(dir, name));
    }
    return loadWorldValuesBench(dir, "valid");
  };

  test("each of the 239 questions has one text for each level of its scale", async () => {
    const metadata = read("question_metadata.json");
    const { questions } = await load();
    expect(questions).toHaveLength(239);
    for (const { id, options } of questions) {
      const { answer_scale_min: min, answer_scale_max: max } = metadata[id] as Record<string, number>;
      expect(options, id).toHaveLength(max! - min! + 1);
      for (const text of options) expect(text, id).toMatch(/\S/);
      expect(new Set(options).size, id).toBe(options.length);
    }
  });

  test("the 15 questions with adjusted answers show the adjusted texts", async () => {
    const democracy = ["Not an essential characteristic of democracy", "2", "3", "4", "5", "6", "7", "8", "9"];
    const expected: Record<string, string[]> = {
      Q56: ["Better off", "Or about the same", "Worse off"],
      Q111: ["A: Protect environment", "B: Economic growth"],
      Q119: ["Strongly agree", "Agree", "Hard to say", "Disagree", "Strongly disagree"],
      Q221: ["Always", "Usually", "Never"],
      Q222: ["Always", "Usually", "Never"],
      Q254: ["Very proud", "Quite proud", "Not very proud", "Not at all proud"],
    };
    for (let q = 241; q <= 249; q++) expected[`Q${q}`] = [...democracy, "An essential characteristic of democracy"];
    expect(Object.keys(read("answer_adjustment.json")).sort()).toEqual(Object.keys(expected).sort());
    const { questions } = await load();
    const found = questions.filter(({ id }) => id in expected).map(({ id, options }) => [id, options]);
    expect(Object.fromEntries(found)).toEqual(expected);
  });

  test("adjusted answers name their own text, and attributes with missing codes are left out", async () => {
    const data = await load({ Q56: "3", Q119: "3", Q241: "1", Q94: "0" });
    const chosen = Array.from({ length: data.length }, (_, i) => data.at(i)).map((e) => [
      e.questionId,
      e.options[e.answer!],
    ]);
    expect(Object.fromEntries(chosen)).toMatchObject({
      Q56: "Worse off",
      Q119: "Hard to say",
      Q241: "Not an essential characteristic of democracy",
    });
    expect(data.find("Q94", "70")!.answer).toBe(0);
    expect(data.at(0).profile).toEqual({ country: "Chile", religion: "No answer" });
  });
});
