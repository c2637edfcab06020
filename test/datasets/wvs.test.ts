import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convertWvs, loadWorldValuesBench, splitParticipants, type WvsOptions } from "../../datasets/index.ts";
import { CumaError, MersenneTwister, Rng } from "../../src/core/util/index.ts";
import { goldenJson } from "../support/golden.ts";

const METADATA = ["question_metadata.json", "codebook.json", "answer_adjustment.json"];
const SPLITS = ["full", "train", "valid", "test"] as const;
const real = join(process.env["CUMA_SHARED_DATA"] ?? "../shared/data", "worldvaluesbench");

let root: string;
let folders = 0;
beforeAll(() => (root = mkdtempSync(join(tmpdir(), "cuma-wvs-"))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const fresh = () => join(root, String(++folders));

type Files = Record<string, unknown>;

function write(files: Files): string {
  const dir = fresh();
  mkdirSync(dir);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return dir;
}

const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("CPython's random", () => {
  const { raw, below, permutations } = goldenJson("split.json") as {
    raw: { seed: number; first: number[]; at620: number[]; last: number[] }[];
    below: { n: number; drawn: number[] }[];
    permutations: {
      seed: number;
      n: number;
      first: number[];
      last: number[];
      sha256: string;
      sizes: Record<"train" | "valid" | "test", number>;
    }[];
  };

  test.each(raw)("32-bit outputs of seed $seed", ({ seed, first, at620, last }) => {
    const rng = new MersenneTwister(seed);
    const drawn = Array.from({ length: 1300 }, () => rng.uint32());
    expect(drawn.slice(0, 5)).toEqual(first);
    expect(drawn.slice(620, 630)).toEqual(at620);
    expect(drawn.slice(-3)).toEqual(last);
    expect(new MersenneTwister(-seed).uint32()).toBe(first[0]);
  });

  test("bounded integers", () => {
    const rng = new MersenneTwister(0);
    for (const { n, drawn } of below)
      expect(
        drawn.map(() => rng.below(n)),
        String(n),
      ).toEqual(drawn);
    for (const n of [0, -1, 2 ** 32, NaN]) expect(() => rng.below(n)).toThrow(`got ${n}`);
    for (const seed of [0.5, 2 ** 53, NaN]) expect(() => new MersenneTwister(seed)).toThrow(`got ${seed}`);
  });

  test.each(permutations)("shuffle of $n with seed $seed", ({ seed, n, first, last, sha256: expected }) => {
    const order = new MersenneTwister(seed).shuffle(Array.from({ length: n }, (_, i) => i));
    expect(order.slice(0, 20)).toEqual(first);
    expect(order.slice(-20)).toEqual(last);
    expect(sha256(order.join(" "))).toBe(expected);
  });

  test.each(permutations.filter(({ seed }) => seed === 0))("split of $n participants", ({ n, sizes, ...rest }) => {
    const { train, valid, test } = splitParticipants(n);
    expect({ train: train.length, valid: valid.length, test: test.length }).toEqual(sizes);
    expect(sha256([...train, ...test, ...valid].join(" "))).toBe(rest.sha256);
  });

  test("the benchmark's 93,278 participants are split into its published numbers", () => {
    const { train, valid, test } = splitParticipants(93_278);
    expect([train.length, valid.length, test.length]).toEqual([65_294, 13_993, 13_991]);
  });

  test.skipIf(!existsSync(real))(
    "the published probe participants of the survey's first two countries are all in test (skipped without CUMA_SHARED_DATA)",
    () => {
      // 1,004 interviews of Andorra (20) come first in the survey's csv, then those of Argentina (32), numbered from 1.
      const starts: Record<string, number> = { "20": 0, "32": 1004 };
      const lines = readFileSync(join(real, "probe_samples.tsv"), "utf8").trim().split("\n").slice(1);
      const ids = new Set(lines.map((line) => line.trim().split("\t").at(-1)!));
      const rows = [...ids].flatMap((id) => {
        const [, country, number] = /^(\d+)07(\d{4})$/.exec(id)!;
        return country! in starts ? [starts[country!]! + Number(number) - 1] : [];
      });
      expect(rows).toHaveLength(38 + 69);
      const inTest = new Set(splitParticipants(93_278).test);
      expect(rows.filter((row) => !inTest.has(row))).toEqual([]);
    },
  );
});

const COLUMNS = ["B_COUNTRY", "D_INTERVIEW", "Q262", "X003R", "Q260", "Q275", "Q273", "Q289", "Q290", "Q279", "Q288"];

/** The columns that a profile needs, an age, an income scale, and value questions: plain, swapped, with a code of no rank. */
function small(): Files {
  const demographic = { question: "", category: "", use_case: "demographic", answer_data_type: "non_ordinal" };
  const scale = (min: number, max: number) => ({
    question: "How much?",
    category: "Values",
    answer_data_type: "ordinal",
    answer_scale_min: min,
    answer_scale_max: max,
  });
  const missing = { "-1": "Don't know", "-2": "No answer" };
  const choices = (texts: Record<string, string>) => ({ question: "", choices: { ...texts, ...missing } });
  return {
    "question_metadata.json": {
      Q2: { use_case: "value", ...scale(1, 3) },
      ...Object.fromEntries(COLUMNS.map((column) => [column, demographic])),
      Q288: { ...demographic, ...scale(1, 3) },
      Q1: { use_case: "value", ...scale(0, 2) },
      Q3: { use_case: "value", ...scale(1, 2) },
    },
    "codebook.json": {
      version: { choices: {} },
      B_COUNTRY: choices({ "3": "Borduria", "4": "Syldavia" }),
      Q262: choices({}),
      X003R: choices({ "1": "16-24 years", "2": "25-34 years" }),
      Q260: choices({ "1": "Male", "2": "Female" }),
      Q275: choices({ "0": "None", "1": "Primary (ISCED 1)" }),
      Q273: choices({ "1": 'Married\t"truly"', "2": "Single" }),
      Q289: choices({ "1": "Höhle " }),
      Q290: choices({ "3001": "BO: Northern" }),
      Q279: choices({ "1": "Full time", "2": "Student" }),
      Q288: choices({ "1": "Lower step", "2": "second step", "3": "third step" }),
      Q2: choices({ "1": "Better", "2": "Worse", "3": "The same", "4": "Odd", "0": "Even" }),
      Q1: choices({ "0": "Never", "1": "At times", "2": "Always" }),
      Q3: choices({ "0": "Against", "1": "No", "2": "Yes", "3": "Other" }),
    },
    "answer_adjustment.json": { Q2: { "2": "3", "3": "2" }, Q3: { "0": "1", "3": "" } },
  };
}

const HEADER = ["version", ...COLUMNS, "W_WEIGHT", "Q1", "Q2", "Q3", "Q3R"];
type Interview = Record<string, string>;

/** Ten interviews, and two that are to be dropped, one of them with codes that nothing allows. */
function interviews(): Interview[] {
  const plain = (number: number, codes: Interview = {}): Interview => ({
    ...Object.fromEntries(HEADER.map((column) => [column, "1"])),
    version: "5-0-0 (2022-12-14)",
    B_COUNTRY: "3",
    D_INTERVIEW: `307000${number}`,
    Q262: "44",
    Q290: "3001",
    W_WEIGHT: "0.7315",
    ...codes,
  });
  return [
    plain(1, { Q262: "95", Q1: "0", Q2: "2", Q3: "0" }),
    plain(2, { Q1: "2", Q2: "3", Q3: "2", Q275: "0", Q273: "2" }),
    plain(3, { D_INTERVIEW: "858069901" }),
    plain(4, { Q1: "-1", Q2: "-5", Q3: "3", Q289: "-2", Q288: "-1", Q262: "-2", Q260: "-4" }),
    plain(5, { Q1: "", Q2: "NA", Q3: "1", X003R: "", Q290: "NA" }),
    plain(6, { B_COUNTRY: "4", Q290: "3002", Q288: "3" }),
    plain(7, { D_INTERVIEW: "858069901", Q1: "no" }),
    plain(8, { Q290: "3002", Q279: "2.0", Q1: "2.0", Q2: " 3" }),
    plain(9),
    plain(10),
    plain(11),
    plain(12),
  ];
}

const FULL_VALUE = [
  "D_INTERVIEW Q2 Q1 Q3",
  "3070001 3 0 1",
  "3070002 2 2 2",
  "3070004 . . .",
  "3070005 . . 1",
  "3070006 1 1 1",
  "3070008 2 2 1",
  "3070009 1 1 1",
  "30700010 1 1 1",
  "30700011 1 1 1",
  "30700012 1 1 1",
].map((line) => line.replaceAll(" ", "\t").replaceAll(".", ""));

const MARRIED = '"Married\t""truly"""';
const tabbed = (line: string) => line.replaceAll("|", "\t").replaceAll("MARRIED", MARRIED);
const FULL_DEMOGRAPHIC = [
  "D_INTERVIEW|B_COUNTRY|Q262|X003R|Q260|Q275|Q273|Q289|Q290|Q279|Q288",
  "3070001|Borduria|95|16-24 years|Male|Primary (ISCED 1)|MARRIED|Höhle |BO: Northern|Full time|1",
  "3070002|Borduria|44|16-24 years|Male|None|Single|Höhle |BO: Northern|Full time|1",
  "3070004|Borduria|No answer|16-24 years||Primary (ISCED 1)|MARRIED|No answer|BO: Northern|Full time|",
  "3070005|Borduria|44||Male|Primary (ISCED 1)|MARRIED|Höhle ||Full time|1",
  "3070006|Syldavia|44|16-24 years|Male|Primary (ISCED 1)|MARRIED|Höhle |3002|Full time|3",
  "3070008|Borduria|44|16-24 years|Male|Primary (ISCED 1)|MARRIED|Höhle |3002|Student|1",
  ...["3070009", "30700010", "30700011", "30700012"].map(
    (id) => `${id}|Borduria|44|16-24 years|Male|Primary (ISCED 1)|MARRIED|Höhle |BO: Northern|Full time|1`,
  ),
].map(tabbed);

/** Rows of each split: the shuffle of ten, as the golden file has it. */
const ROWS = { full: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], train: [7, 8, 1, 5, 3, 4, 2], test: [0], valid: [9, 6] };

interface Form {
  readonly delimiter?: string;
  readonly quote?: boolean;
  readonly end?: string;
  readonly start?: string;
  readonly header?: readonly string[];
}

function csvOf(rows: readonly Interview[], form: Form = {}): string {
  const { delimiter = ",", quote = false, end = "\n", start = "", header = HEADER } = form;
  const field = (text: string) => (quote ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [header, ...rows.map((row) => header.map((column) => row[column] ?? ""))];
  return start + lines.map((line) => line.map(field).join(delimiter) + end).join("");
}

function convert(csv: string, files: Files = small(), options: Partial<WvsOptions> = {}) {
  const dir = write({ ...files, "survey.csv": csv });
  const out = options.out ?? fresh();
  return {
    dir,
    out,
    result: convertWvs({ wvs: join(dir, "survey.csv"), metadataDir: dir, out, ...options }),
  };
}

function tables(out: string): Record<string, string> {
  const names = SPLITS.flatMap((split) => ["demographic", "value"].map((kind) => `${split}/${split}_${kind}_qa.tsv`));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(out, name), "utf8")]));
}

function expectedTables(): Record<string, string> {
  const table = ([header, ...lines]: readonly string[], rows: readonly number[]) =>
    [header, ...rows.map((row) => lines[row]!)].map((line) => `${line!}\n`).join("");
  return Object.fromEntries(
    SPLITS.flatMap((split) => [
      [`${split}/${split}_demographic_qa.tsv`, table(FULL_DEMOGRAPHIC, ROWS[split])],
      [`${split}/${split}_value_qa.tsv`, table(FULL_VALUE, ROWS[split])],
    ]),
  );
}

const everything = (dir: string) => (readdirSync(dir, { recursive: true }) as string[]).sort();

describe("a small survey", () => {
  test("every byte, and what is reported", async () => {
    const csv = csvOf(interviews());
    const { dir, out, result } = convert(csv);
    expect(await result).toEqual({
      csv: { sha256: sha256(csv), interviews: 12, dropped: 2 },
      questions: { demographic: 10, value: 3 },
      participants: { full: 10, train: 7, valid: 2, test: 1 },
      answers: { full: 25, train: 16, valid: 6, test: 3 },
      blanks: { missingCode: 2, adjustedAway: 1, empty: 2 },
      unknownCodes: { Q290: 2 },
    });
    expect(tables(out)).toEqual(expectedTables());
    for (const name of METADATA) expect(readFileSync(join(out, name))).toEqual(readFileSync(join(dir, name)));
    expect(everything(out)).toEqual([...METADATA, ...SPLITS, ...Object.keys(expectedTables())].sort());
  });

  test("the loader gives back the answers, their texts and the profiles", async () => {
    const { out, result } = convert(csvOf(interviews()));
    await result;
    const data = await loadWorldValuesBench(out, "full");
    expect(data.length).toBe(25);
    const text = (question: string, id: string) => {
      const example = data.find(question, id);
      return example && example.options[example.answer!];
    };
    expect(["Q1", "Q2", "Q3"].map((question) => text(question, "3070001"))).toEqual(["Never", "Worse", "No"]);
    expect(["Q1", "Q2", "Q3"].map((question) => text(question, "3070002"))).toEqual(["Always", "The same", "Yes"]);
    expect(["Q1", "Q2", "Q3"].map((question) => text(question, "3070005"))).toEqual([undefined, undefined, "No"]);
    expect(data.find("Q1", "3070001")!.profile).toEqual({
      country: "Borduria",
      age: "16-24 years",
      gender: "Male",
      education: "Primary (ISCED 1)",
      marital_status: 'Married\t"truly"',
      religion: "Höhle",
      ethnicity: "BO: Northern",
      employment: "Full time",
    });
    expect(data.find("Q3", "3070005")!.profile).not.toHaveProperty("age");
    const train = await loadWorldValuesBench(out, "train");
    expect([train.participants, train.at(0).participantId, train.length]).toEqual([7, "30700010", 16]);
    expect((await loadWorldValuesBench(out, "test")).find("Q2", "3070001")!.answer).toBe(2);
    expect((await loadWorldValuesBench(out, "valid")).participants).toBe(2);
  });

  const shuffled = [...HEADER].reverse();
  const forms: [string, Form][] = [
    ["separated by semicolons", { delimiter: ";" }],
    ["quoted", { quote: true }],
    ["quoted, separated by semicolons", { quote: true, delimiter: ";" }],
    ["with a byte-order mark", { start: "\uFEFF", header: HEADER.slice(1) }],
    ["quoted, with a byte-order mark", { start: "\uFEFF", quote: true, header: HEADER.slice(1) }],
    ["with Windows line ends", { end: "\r\n" }],
    ["with empty lines", { end: "\n\n" }],
    ["with its columns in another order", { header: shuffled }],
    ["without the columns that no question needs", { header: HEADER.slice(1).filter((name) => name !== "Q3R") }],
  ];
  test.each(forms)("%s", async (_, form) => {
    const { out, result } = convert(csvOf(interviews(), form));
    await result;
    expect(tables(out)).toEqual(expectedTables());
  });

  test("text columns may hold the other delimiter, line breaks and quotes", async () => {
    const header = [...HEADER, "Q223_LOCAL", "Q223_ABREV"];
    const rows = interviews().map((row) => ({
      ...row,
      version: '"6-0; of ""2024"",\n(May)"',
      Q223_LOCAL: 'Party "Welfare"',
      Q223_ABREV: "é;",
    }));
    const { out, result } = convert(csvOf(rows, { header }));
    await result;
    expect(tables(out)).toEqual(expectedTables());
  });

  test("the last line may lack its end", async () => {
    const { out, result } = convert(csvOf(interviews()).trimEnd());
    await result;
    expect(tables(out)).toEqual(expectedTables());
  });

  test("version 6: more columns and countries; their new codes stand for themselves and are counted", async () => {
    const header = ["doi", "A_STUDY", ...HEADER, "Y001", "WVS_LR_PartyVoter"];
    const extra = { B_COUNTRY: "860", D_INTERVIEW: "860070001", Q290: "860001", Q279: "-4", Q288: "2" };
    const row = { ...interviews()[0]!, ...extra };
    const { out, result } = convert(csvOf([...interviews(), row, { ...row, D_INTERVIEW: "860070002" }], { header }));
    const { unknownCodes, participants } = await result;
    expect(unknownCodes).toEqual({ B_COUNTRY: 2, Q290: 4 });
    expect(participants).toEqual({ full: 12, train: 8, valid: 3, test: 1 });
    expect(tables(out)["full/full_demographic_qa.tsv"]).toContain(
      tabbed("\n860070001|860|95|16-24 years|Male|Primary (ISCED 1)|MARRIED|Höhle |860001||2\n"),
    );
  });

  test("the metadata may lie as in the benchmark's repository", async () => {
    const files = Object.fromEntries(
      Object.entries(small()).map(([name, content]) => [`dataset_construction/${name}`, content]),
    );
    const { out, result } = convert(csvOf(interviews()), files);
    await result;
    expect(tables(out)).toEqual(expectedTables());
    expect((await loadWorldValuesBench(out, "train")).participants).toBe(7);
  });

  test("a single interview is valid; the other splits are empty", async () => {
    const { out, result } = convert(csvOf(interviews().slice(0, 1)));
    expect((await result).participants).toEqual({ full: 1, train: 0, valid: 1, test: 0 });
    expect(tables(out)["train/train_value_qa.tsv"]).toBe(`${FULL_VALUE[0]!}\n`);
  });

  test("many interviews; progress is in bytes of the csv, rises, and ends with all of them", async () => {
    const [first] = interviews();
    const many = Array.from({ length: 20_000 }, (_, i) => ({ ...first!, D_INTERVIEW: String(i) }));
    const csv = csvOf(many);
    const seen: [number, number][] = [];
    const { out, result } = convert(csv, small(), { onProgress: (...progress) => void seen.push(progress) });
    await result;
    const lines = tables(out)["full/full_value_qa.tsv"]!.trimEnd().split("\n").slice(1);
    expect(lines).toEqual(many.map((_, i) => `${i}\t3\t0\t1`));
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.length).toBeLessThan(20);
    expect(seen.at(-1)).toEqual([csv.length, csv.length]);
    for (const [i, [done, total]] of seen.entries()) {
      expect(total).toBe(csv.length);
      expect(done).toBeGreaterThan(i === 0 ? 0 : seen[i - 1]![0]);
    }
  });
});

describe("the output folder", () => {
  const good = csvOf(interviews());
  const bad = csvOf([...interviews(), { ...interviews()[0]!, D_INTERVIEW: "9", Q1: "x" }]);

  test("with files in it is refused, and kept", async () => {
    const out = write({ "notes.txt": "mine" });
    await expect(convert(good, small(), { out }).result).rejects.toThrow(/\(notes\.txt\); give --overwrite/);
    expect(everything(out)).toEqual(["notes.txt"]);
  });

  test("is overwritten when that is asked for: only our files", async () => {
    const out = write({
      "notes.txt": "mine",
      "codebook.json": "old",
      "train/train_value_qa.tsv": "old",
      "train/mine.tsv": "mine",
      "test/test_value_qa.tsv.tmp": "left behind",
    });
    await convert(good, small(), { out, overwrite: true }).result;
    expect(tables(out)).toEqual(expectedTables());
    const ours = [...METADATA, ...SPLITS, ...Object.keys(expectedTables())];
    expect(everything(out)).toEqual([...ours, "notes.txt", "train/mine.tsv"].sort());
    expect(readFileSync(join(out, "train/mine.tsv"), "utf8")).toBe("mine");
    expect(readFileSync(join(out, "codebook.json"), "utf8")).toBe(JSON.stringify(small()["codebook.json"]));
  });

  test("may be the metadata's", async () => {
    const dir = write({ ...small(), "survey.csv": good });
    await convertWvs({ wvs: join(dir, "survey.csv"), metadataDir: dir, out: dir, overwrite: true });
    expect(tables(dir)).toEqual(expectedTables());
    expect(readFileSync(join(dir, "codebook.json"), "utf8")).toBe(JSON.stringify(small()["codebook.json"]));
  });

  test("is left as it was when the survey is bad", async () => {
    const { out, result } = convert(good);
    await result;
    const before = everything(out).map((name) => [name, statSync(join(out, name)).mtimeMs]);
    await expect(convert(bad, small(), { out, overwrite: true }).result).rejects.toThrow(
      "Q1: expected an integer code",
    );
    expect(everything(out).map((name) => [name, statSync(join(out, name)).mtimeMs])).toEqual(before);
    const empty = fresh();
    await expect(convert(bad, small(), { out: empty }).result).rejects.toThrow(CumaError);
    expect(everything(empty)).toEqual([]);
  });

  test("keeps no partial file when writing fails", async () => {
    const out = write({ "valid/valid_value_qa.tsv/in-the-way": "" });
    const failed = convert(good, small(), { out, overwrite: true }).result;
    await expect(failed).rejects.toThrow(/valid_value_qa\.tsv: cannot be written/);
    await expect(failed).rejects.toBeInstanceOf(CumaError);
    expect(everything(out).filter((name) => /tmp|lock|json/.test(name))).toEqual([]);
    await expect(
      convert(good, small(), { out: join(out, "valid/valid_value_qa.tsv/in-the-way") }).result,
    ).rejects.toThrow(/in-the-way: cannot be made/);
  });

  test("is one process's at a time", async () => {
    const out = write({ lock: { pid: process.pid, host: hostname() } });
    await expect(convert(good, small(), { out, overwrite: true }).result).rejects.toThrow(
      "another run is writing here",
    );
    expect(everything(out)).toEqual(["lock"]);
  });
});

describe("bad input", () => {
  const row = (number: number, codes: Interview) => (rows: Interview[]) => {
    Object.assign(rows[number - 2]!, codes);
  };
  const rowCases: [string, (rows: Interview[]) => void, ...string[]][] = [
    ["a word for a code", row(3, { Q1: "yes" }), 'survey.csv:3: Q1: expected an integer code; found "yes"'],
    ["a fraction", row(9, { Q262: "44.5" }), 'survey.csv:9: Q262: expected an integer code; found "44.5"'],
    ["a code of many digits", row(9, { Q262: "9".repeat(17) }), "survey.csv:9: Q262: expected an integer code"],
    [
      "a value code that the codebook lacks",
      row(2, { Q1: "3" }),
      "survey.csv:2: Q1: expected a code of the codebook (0, 1, 2, -1, -2); found 3",
    ],
    ["an income that the codebook lacks", row(2, { Q288: "0" }), "survey.csv:2: Q288: expected a code of", "found 0"],
    ["an answer off its scale", row(13, { Q2: "4" }), "survey.csv:13: Q2: expected an answer from 1 to 3; found 4"],
    ["an answer below its scale", row(13, { Q2: "0" }), "survey.csv:13: Q2: expected an answer from 1 to 3; found 0"],
    ["an interview twice", row(6, { D_INTERVIEW: "3070002" }), "survey.csv:6: D_INTERVIEW", "3070002 on line 3 too"],
    ["an interview without number", row(6, { D_INTERVIEW: "" }), "survey.csv:6: D_INTERVIEW: expected a", 'found ""'],
    ["an interview with a negative number", row(6, { D_INTERVIEW: "-5" }), "survey.csv:6: D_INTERVIEW", '"-5"'],
    ["nobody", (rows) => rows.splice(0), "survey.csv: expected at least one interview; found none"],
    [
      "only dropped interviews",
      (rows) => rows.splice(0, 12, rows[2]!),
      "survey.csv: expected at least one interview; found only 1 interview of number 858069901",
    ],
  ];
  const failure = async (csv: string, files: Files = small()) => {
    const { result } = convert(csv, files);
    const error: unknown = await result.then(
      () => "no error",
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(CumaError);
    return (error as CumaError).message;
  };
  test.each(rowCases)("%s", async (_, spoil, ...parts) => {
    const rows = interviews();
    spoil(rows);
    const message = await failure(csvOf(rows));
    for (const part of parts) expect(message).toContain(part);
  });

  const without = (...names: string[]) => HEADER.filter((name) => !names.includes(name));
  test("a wrong number of fields, counted after quoted line breaks and empty lines", async () => {
    const lines = csvOf(interviews()).split("\n");
    lines[2] = `${lines[2]!},1`;
    expect(await failure(lines.join("\n"))).toContain("survey.csv:3: expected 17 fields, as in the header; found 18");
    lines[1] = lines[1]!.replace("5-0-0", '"5\n0\n0"');
    lines[2] = `\n${lines[2].replace(/(,1){2}$/, "")}`;
    expect(await failure(lines.join("\n"))).toContain("survey.csv:6: expected 17 fields, as in the header; found 16");
  });

  test("columns that are missing, all named; or there twice; or no csv at all", async () => {
    const message = await failure(csvOf(interviews(), { header: without("Q262", "Q3", "D_INTERVIEW") }));
    expect(message).toContain(
      "survey.csv:1: expected the columns D_INTERVIEW, Q262, Q3; found 14 columns: version, B_",
    );
    expect(message).not.toContain("inverted");
    expect(await failure(csvOf(interviews(), { header: [...HEADER, "Q1"] }))).toContain(
      "survey.csv:1: expected each column once; found Q1 twice",
    );
    expect(await failure("")).toContain("and 6 more; found 0 columns");
    expect(await failure("PK\u0003\u0004")).toContain("survey.csv: is packed (zip); unpack it first");
  });

  test("the inverted file is told by its reversed questions", async () => {
    const header = HEADER.map((name) => (name === "Q2" || name === "Q3" ? `${name}P` : name));
    expect(await failure(csvOf(interviews(), { header }))).toContain(
      "Q2P is a reversed Q2, so this is the survey's inverted",
    );
  });

  test("a quote that is not closed", async () => {
    const csv = csvOf(interviews(), { quote: true });
    expect(await failure(csv.slice(0, -2))).toMatch(
      /survey\.csv: row 12: Quote Not Closed: the parsing is finished with an opening quote$/,
    );
  });

  const metadataCases: [string, (files: Files) => void, ...string[]][] = [
    ["a file is missing", (files) => delete files["codebook.json"], "expected a file codebook.json; found none"],
    ["no JSON", (files) => (files["answer_adjustment.json"] = "{"), "answer_adjustment.json: is not JSON"],
    [
      "an adjustment to a word",
      (files) => (files["answer_adjustment.json"] = { Q2: { "2": "two" } }),
      'answer_adjustment.json: "Q2.2":',
    ],
    [
      "an adjustment off the scale",
      (files) => (files["answer_adjustment.json"] = { Q3: { "0": "3", "3": "" } }),
      "survey.csv:2: Q3: expected an answer from 1 to 2; found 3, adjusted from 0",
    ],
    [
      "a question that the codebook lacks",
      (files) => delete (files["codebook.json"] as Files)["Q290"],
      "codebook.json: Q290: expected an entry for this question; found none",
    ],
    [
      "a value question without scale",
      (files) =>
        ((files["question_metadata.json"] as Files)["Q1"] = { use_case: "value", answer_data_type: "non_ordinal" }),
      'question_metadata.json: "Q1.use_case"',
    ],
  ];
  test.each(metadataCases)("metadata: %s", async (_, spoil, part) => {
    const files = small();
    spoil(files);
    expect(await failure(csvOf(interviews()), files)).toContain(part);
  });

  test("no survey, a folder instead of one, no metadata folder; nothing is made then", async () => {
    const dir = write({ ...small(), "survey.csv": csvOf(interviews()) });
    const out = fresh();
    const at = (wvs: string, metadataDir = dir) => convertWvs({ wvs, metadataDir, out });
    await expect(at(join(dir, "nowhere.csv"))).rejects.toThrow(/nowhere\.csv: .*no such file/);
    await expect(at(dir)).rejects.toThrow(/cannot be read: it is a folder; expected a file/);
    await expect(at(join(dir, "survey.csv"), join(dir, "nowhere"))).rejects.toThrow(
      /nowhere: .*no such file or folder/,
    );
    expect(existsSync(out)).toBe(false);
  });
});

describe.skipIf(!existsSync(real))("the real metadata (skipped where CUMA_SHARED_DATA has no worldvaluesbench)", () => {
  type Entry = Readonly<Record<"use_case" | "answer_data_type", string>>;
  const read = (name: string) => JSON.parse(readFileSync(join(real, name), "utf8")) as unknown;

  test("300 people who gave codes of the codebook at random: every answer, text and profile", async () => {
    const metadata = read("question_metadata.json") as Record<string, Entry>;
    const codebook = read("codebook.json") as Record<string, { choices: Record<string, string> }>;
    const adjustment = read("answer_adjustment.json") as Record<string, Record<string, string>>;
    const ids = Object.keys(metadata);
    const rng = new Rng(1, "wvs");
    const draw = (id: string) => {
      const codes = Object.keys(codebook[id]!.choices);
      return codes.some((code) => !code.startsWith("-")) ? codes[rng.below(codes.length)]! : String(rng.below(90));
    };
    const header = ["version", "doi", ...ids, "W_WEIGHT", "Q94R"];
    const people = Array.from({ length: 300 }, (_, i) => ({
      ...Object.fromEntries(header.map((id) => [id, id in metadata ? draw(id) : "0.5"])),
      D_INTERVIEW: String(20070001 + i),
    })) as Interview[];
    const csv = fresh();
    writeFileSync(csv, csvOf(people, { header, delimiter: ";", quote: true }));
    const out = fresh();
    const result = await convertWvs({ wvs: csv, metadataDir: real, out });
    expect(result.questions).toEqual({ demographic: 42, value: 239 });
    expect(result.participants).toEqual({ full: 300, train: 210, valid: 45, test: 45 });
    expect(result.unknownCodes).toEqual({});
    const { blanks, answers } = result;
    expect(blanks.missingCode + blanks.adjustedAway + answers.full).toBe(300 * 239);

    const valueIds = ids.filter((id) => metadata[id]!.use_case === "value");
    const split = splitParticipants(300);
    const attributes: Record<string, string> = {
      B_COUNTRY: "country",
      X003R: "age",
      Q260: "gender",
      Q275: "education",
      Q273: "marital_status",
      Q289: "religion",
      Q290: "ethnicity",
      Q279: "employment",
    };
    const seen = { answers: 0, full: 0 };
    for (const name of SPLITS) {
      const data = await loadWorldValuesBench(out, name);
      expect(data.length).toBe(answers[name]);
      const questions = new Map(data.questions.map((question) => [question.id, question]));
      const rows = name === "full" ? people.map((_, i) => i) : split[name];
      for (const row of rows) {
        const person = people[row]!;
        for (const id of valueIds) {
          const code = person[id]!;
          const adjusted = adjustment[id]?.[code] ?? code;
          const example = data.find(id, person["D_INTERVIEW"]!);
          if (adjusted === "" || code.startsWith("-")) {
            expect(example).toBeUndefined();
            continue;
          }
          seen[name === "full" ? "full" : "answers"]++;
          const { lowest } = questions.get(id)!;
          if (example!.answer! + lowest !== Number(adjusted)) expect.fail(`${id} of row ${row}: ${example!.answer!}`);
          // 0 and 1 are both the lowest level of Q241 to Q249; its text is that of 1.
          const own = adjustment[id]?.["0"] === "1" && code === "0" ? "1" : code;
          if (example!.options[example!.answer!] !== codebook[id]!.choices[own]!.trim()) {
            expect.fail(`${id} of row ${row}: ${example!.options[example!.answer!]!}`);
          }
        }
        const known = Object.entries(attributes).flatMap(([column, attribute]) => {
          const { choices } = codebook[column]!;
          const text = choices[person[column]!]!;
          const codes = Object.keys(choices).filter((code) => choices[code] === text);
          return codes.every((code) => code.startsWith("-")) ? [] : [[attribute, text.trim()]];
        });
        const first = valueIds.map((id) => data.find(id, person["D_INTERVIEW"]!)).find((example) => example)!;
        expect(first.profile).toEqual(Object.fromEntries(known));
      }
    }
    expect(seen).toEqual({ answers: answers.full, full: answers.full });

    const [columns, ...lines] = readFileSync(join(out, "full/full_demographic_qa.tsv"), "utf8").trimEnd().split("\n");
    const demographic = ids.filter((id) => metadata[id]!.use_case === "demographic" && id !== "D_INTERVIEW");
    expect(columns).toBe(["D_INTERVIEW", ...demographic].join("\t"));
    for (const [i, line] of lines.entries()) {
      const expected = demographic.map((id) => {
        const code = people[i]![id]!;
        if (metadata[id]!.answer_data_type === "ordinal") return code.startsWith("-") ? "" : code;
        return codebook[id]!.choices[code] ?? code;
      });
      expect(line).toBe([people[i]!["D_INTERVIEW"]!, ...expected].join("\t"));
    }
  });
});
