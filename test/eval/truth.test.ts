import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readTruth, withTruth } from "../../eval/predictions/truth.ts";
import { tableOf } from "./support.ts";

const root = mkdtempSync(join(tmpdir(), "cuma-truth-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let files = 0;
function file(extension: string, text: string): string {
  const path = join(root, `${files++}.${extension}`);
  writeFileSync(path, text);
  return path;
}

const lines = (...rows: object[]): string => file("jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

const table = tableOf([
  { questionId: "Q1", profile: { country: "Japan", sex: "f" }, answer: 0, probabilities: [0.5, 0.5] },
  { questionId: "Q1", profile: { country: "Kenya", sex: "f" }, answer: 1, probabilities: [0.4, 0.6] },
  { questionId: "Q2", profile: { country: "Japan" }, answer: null, target: [0, 0, 1], probabilities: [0.2, 0.2, 0.6] },
  { questionId: "Q3", profile: { country: "Japan" }, answer: 1, probabilities: [0.1, 0.9] },
]);

test.each([
  [
    "csv",
    'question_id,country,target\nQ1,Japan,"[0.25,0.75]"\nQ1,Kenya,"[1,0]"\nQ2,Japan,"[0.5,0.25,0.25]"\nQ9,Japan,"[1,0]"\n',
  ],
  [
    "jsonl",
    [
      '{"question_id":"Q1","country":"Japan","target":[0.25,0.75],"options":["option 0","option 1"]}',
      '{"question_id":"Q1","country":"Kenya","target":[1,0]}',
      '{"question_id":"Q2","country":"Japan","target":[0.5,0.25,0.25],"options":null}',
    ].join("\n"),
  ],
])(
  "targets are those of question and group; answers stay; rows without one are left out: %s",
  async (extension, text) => {
    const { table: found, unmatched } = withTruth(table, await readTruth(file(extension, text)));
    expect(unmatched).toBe(1);
    expect([0, 1, 2].map((i) => found.row(i).target)).toEqual([
      [0.25, 0.75],
      [1, 0],
      [0.5, 0.25, 0.25],
    ]);
    for (const i of [0, 1, 2]) {
      expect({ ...found.row(i), target: null }).toEqual({ ...table.row(i), target: null });
    }
    expect(found.rows).toBe(3);
    expect(found.questions.map(({ id }) => id)).toEqual(["Q1", "Q2"]);
  },
);

test("without attributes every group has the question's truth; a missing attribute is a group of its own", async () => {
  const all = withTruth(table, await readTruth(lines({ question_id: "Q1", target: [0.9, 0.1] })));
  expect(all.unmatched).toBe(2);
  expect(all.table.row(1).target).toEqual([0.9, 0.1]);
  const bySex = await readTruth(
    lines({ question_id: "Q1", sex: "f", target: [1, 0] }, { question_id: "Q3", sex: null, target: [0, 1] }),
  );
  const found = withTruth(table, bySex);
  expect([found.table.rows, found.unmatched]).toEqual([3, 1]);
  expect(found.table.row(2)).toMatchObject({ questionId: "Q3", target: [0, 1] });
});

test("numbers are texts, an empty text is none, and rounded targets are scaled", async () => {
  const aged = tableOf([
    { questionId: "7", profile: { age: "20" }, probabilities: [0.5, 0.25, 0.25] },
    { questionId: "7", profile: {}, probabilities: [0.5, 0.25, 0.25] },
  ]);
  const [thirds, half] = [
    [0.3333, 0.3333, 0.3333],
    [0.5, 0.25, 0.25],
  ];
  const path = lines({ question_id: 7, age: 20, target: thirds }, { question_id: 7, age: "", target: half });
  const { table: found, unmatched } = withTruth(aged, await readTruth(path));
  expect(unmatched).toBe(0);
  for (const p of found.row(0).target!) expect(p).toBeCloseTo(1 / 3, 15);
  expect(found.row(1).target).toEqual(half);
});

const good = { question_id: "Q1", country: "Japan", target: [0.5, 0.5] };
test.each<[string, object[], string]>([
  ["sum", [good, { ...good, country: "Kenya", target: [0.5, 0.6] }], "row 2: target: expected a sum of 1"],
  ["negative", [{ ...good, target: [-0.5, 1.5] }], "row 1: target[0]: expected a number in [0, 1], found -0.5"],
  ["null", [{ ...good, target: [null, 1] }], "row 1: target: expected a list of finite numbers, found [null,1]"],
  ["twice", [good, good], "row 2: expected each question and group once; row 1 is of the same"],
  ["list", [{ ...good, country: [3] }], "row 1: country: expected a text or null, found [3]"],
  ["options", [{ ...good, options: ["a"] }], "row 1: target: expected 1 numbers, one for each option, found 2"],
  ["no target", [{ question_id: "Q1" }], "row 1: target: expected a value, found nothing"],
  ["nothing", [], "expected true distributions; found no row"],
])("refuses a file, naming it and the row: %s", async (_, rows, says) => {
  const path = lines(...rows);
  await expect(readTruth(path)).rejects.toThrow(`${path}: ${says}`);
});

test.each<[string, object, string]>([
  ["attribute", { ...good, religion: "x" }, 'unknown attribute "religion"; expected one of country, sex'],
  ["options", { ...good, options: ["no", "yes"] }, 'row 1: options: expected those of the predictions for "Q1"'],
  [
    "length",
    { ...good, target: [0.5, 0.25, 0.25] },
    'row 1: target: expected 2 numbers, one for each option of "Q1", found 3',
  ],
  ["no match", { ...good, country: "Peru" }, "none matches by question, country"],
])("refuses a truth of other predictions: %s", async (_, row, says) => {
  const truth = await readTruth(lines(row));
  expect(() => withTruth(table, truth)).toThrow(says);
});
