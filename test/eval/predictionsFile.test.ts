import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  Bool,
  DateDay,
  Dictionary,
  Field,
  FixedSizeList,
  Float64,
  Int32,
  Int64,
  LargeList,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  Utf8,
  vectorFromArray,
  type Data,
  type DataType,
  type Vector,
} from "apache-arrow";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PredictionRow, type PredictionTable } from "../../eval/predictions/predictionTable.ts";
import { PredictionTableBuilder } from "../../eval/predictions/predictionTableBuilder.ts";
import { readPredictions, writePredictions } from "../../eval/predictions/predictionsFile.ts";
import { delimited } from "../../src/core/tables/delimited.ts";
import { writeColumnar } from "../../src/core/tables/columnar.ts";
import { CumaError } from "../../src/core/util/index.ts";
import { row, tableOf } from "./support.ts";

const formats = [".parquet", ".arrow", ".jsonl", ".csv", ".tsv"] as const;
const text = [".jsonl", ".csv", ".tsv"] as const;

let root: string;
beforeAll(() => (root = mkdtempSync(join(tmpdir(), "cuma-predictions-"))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let files = 0;
const fresh = (extension: string): string => join(root, `${files++}${extension}`);

function write(extension: string, content: string | Uint8Array): string {
  const path = fresh(extension);
  writeFileSync(path, content);
  return path;
}

const rowsOf = (table: PredictionTable): PredictionRow[] => Array.from({ length: table.rows }, (_, i) => table.row(i));

const METADATA = { base: "demo", seed: "7", benchmark: 'says "hi", äöü\n# cuma' };

/** Nulls, targets, both kinds of options, and texts that each format could take for something else. */
const awkward: Partial<PredictionRow>[] = [
  { exampleId: "# not a comment", profile: { country: 'Côte d\'Ivoire, "CI"', "first language": "tab\there" } },
  { exampleId: "日本 🗾", participantId: null, answer: null, target: [0.1, 0.9], profile: {} },
  {
    exampleId: " padded ",
    participantId: "007",
    probabilities: [1, 0],
    weight: 0.1,
    profile: { country: "line\nend" },
  },
  { exampleId: "null", questionId: "#q", ordered: false, options: ["[1]", ""], profile: { country: '"' } },
  { exampleId: "1e5", questionId: "three", options: ["a,b", "c\td", "é"], probabilities: [0.2, 0.3, 0.5], answer: 2 },
  {
    exampleId: "re\rturn",
    questionId: "three",
    options: ["a,b", "c\td", "é"],
    probabilities: [1 / 3, 1 / 3, 1 / 3],
    answer: 0,
  },
  { exampleId: "'=1+1", answer: 0, target: [1, 0], profile: { "first language": "Русский", country: "true" } },
];

describe.each(formats)("%s", (format) => {
  test("gives back every row, and the order of questions and attributes", async () => {
    const table = tableOf(awkward);
    const path = fresh(format);
    writePredictions(path, table, METADATA);
    const found = await readPredictions(path);
    expect(found.metadata).toEqual(METADATA);
    expect(rowsOf(found.table)).toEqual(awkward.map((changes) => row(changes)));
    expect(found.table.questions).toEqual(table.questions);
    expect([...found.table.attributes.keys()]).toEqual(["country", "first language"]);
  });

  test("without metadata, and without rows", async () => {
    for (const table of [tableOf(awkward), tableOf([])]) {
      for (const metadata of [{}, METADATA]) {
        const path = fresh(format);
        writePredictions(path, table, metadata);
        const found = await readPredictions(path);
        expect(found.metadata).toEqual(metadata);
        expect(rowsOf(found.table)).toEqual(rowsOf(table));
      }
    }
  });

  test("equal tables give equal bytes, also after reading; other tables do not", async () => {
    const bytes = (table: PredictionTable, metadata: Record<string, string> = METADATA): Buffer => {
      const path = fresh(format);
      writePredictions(path, table, metadata);
      return readFileSync(path);
    };
    const first = bytes(tableOf(awkward));
    expect(bytes(tableOf(awkward), Object.fromEntries(Object.entries(METADATA).reverse())).equals(first)).toBe(true);
    const { table } = await readPredictions(write(format, first));
    expect(bytes(table).equals(first)).toBe(true);
    expect(bytes(tableOf([...awkward].reverse())).equals(first)).toBe(false);
    expect(bytes(tableOf(awkward), { ...METADATA, seed: "8" }).equals(first)).toBe(false);
  });

  test("any table comes back as it was", async () => {
    const any = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
    const rows = fc.array(
      fc.record({
        questionId: fc.constantFrom("q", "r"),
        participantId: fc.option(any),
        profile: fc.dictionary(fc.constantFrom("country", "age", "a b"), any),
        answer: fc.option(fc.nat({ max: 1 })),
        target: fc.option(fc.constantFrom([1, 0], [0.1, 0.9], [1 / 3, 2 / 3])),
        probabilities: fc.double({ min: 0, max: 1, noNaN: true }).map((p) => [p, 1 - p]),
        weight: fc.oneof(fc.constant(0), fc.double({ min: 1e-100, max: 1e9, noNaN: true })),
      }),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(rows, fc.array(any, { minLength: 8, maxLength: 8 }), async (list, ids) => {
        const given = list.map((of, i) => row({ ...of, exampleId: `${i}${ids[i]!}` }));
        const path = fresh(format);
        writePredictions(path, tableOf(given));
        const { table } = await readPredictions(path);
        expect(rowsOf(table)).toEqual(rowsOf(tableOf(given)));
        rmSync(path);
      }),
      { numRuns: 25 },
    );
  });

  /** Three good rows, spoilt behind the builder's back; `answer` and the arrays are views that can be written. */
  const bad: Record<string, [spoil: (table: PredictionTable) => void, message: string]> = {
    "probabilities that do not sum to 1": [
      ({ probabilities }) => (probabilities[3] = 0.8),
      "probabilities: expected a sum of 1 (within 0.001), found 1.05",
    ],
    "a negative probability": [
      ({ probabilities }) => probabilities.set([-0.25, 1.25], 2),
      "probabilities[0]: expected a number in [0, 1], found -0.25",
    ],
    "a probability that is not a number": [({ probabilities }) => (probabilities[2] = NaN), "probabilities"],
    "a target that does not sum to 1": [({ targets }) => (targets[2] = 0.6), "target: expected a sum of 1"],
    "an example that came before": [
      ({ exampleIds }) => ((exampleIds as string[])[1] = "0"),
      "an earlier row has the same example id; expected each example once",
    ],
    "an answer that is no option": [
      ({ answer }) => (answer[1] = 2),
      "answer: expected null or an option's index from 0 to 1, found 2",
    ],
    "a negative weight": [
      ({ weight }) => (weight[1] = -1),
      "weight: expected 0 or a number from 1e-100 to 1e+100, found -1",
    ],
    "a weight whose sums would be infinite": [({ weight }) => (weight[1] = 1e308), "weight: expected 0 or"],
    "a weight whose square would be 0": [({ weight }) => (weight[1] = 1e-200), "weight: expected 0 or"],
    "a text that is empty": [({ exampleIds }) => ((exampleIds as string[])[1] = ""), "example"],
  };
  test.each(Object.entries(bad))("refuses %s", async (_, [spoil, message]) => {
    const table = tableOf([{}, { target: [0.5, 0.5] }, {}]);
    spoil(table);
    const path = fresh(format);
    writePredictions(path, table);
    const error = await readPredictions(path).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(CumaError);
    expect((error as CumaError).message).toContain(`${path}: row 2`);
    expect((error as CumaError).message).toContain(message);
  });

  test("refuses a file that is not there, and a folder that is not", async () => {
    const path = fresh(format);
    await expect(readPredictions(path)).rejects.toThrow(`${path}: cannot be read: there is no such file or folder`);
    const nowhere = join(path, `t${format}`);
    expect(() => writePredictions(nowhere, tableOf([{}]))).toThrow(`${nowhere}: cannot be written`);
  });

  test("refuses a file without the columns", async () => {
    const path = fresh(format);
    if (format === ".parquet" || format === ".arrow") {
      const column = vectorFromArray(["a"], new Utf8());
      writeColumnar(path, new Table({ example_id: column, text: column }));
    } else writeFileSync(path, format === ".jsonl" ? '{"example_id":"a","text":"b"}' : "example_id\na\n");
    await expect(readPredictions(path)).rejects.toThrow(path);
    await expect(readPredictions(path)).rejects.toThrow(
      format === ".jsonl" ? "row 1: question_id" : "found example_id",
    );
  });
});

test.each([".csv", ".tsv"])("%s: texts that other readers take for comments or line ends are quoted", (format) => {
  const path = fresh(format);
  writePredictions(path, tableOf(awkward));
  const lines = readFileSync(path, "utf8").split("\n");
  expect(lines[1]).toMatch(/^"# not a comment"/);
  expect(lines.filter((line) => line.startsWith("#"))).toEqual([]);
  expect(lines.some((line) => line.startsWith('"re\rturn"'))).toBe(true);
});

describe("a file that is cut off", () => {
  test.each([".parquet", ".arrow"])("%s: is refused, wherever it is cut", async (format) => {
    const whole = fresh(format);
    writePredictions(whole, tableOf(awkward), METADATA);
    const bytes = readFileSync(whole);
    const path = fresh(format);
    const cuts = [
      ...Array(40).keys(),
      bytes.length - 1,
      ...Array.from({ length: 60 }, (_, i) => i * (bytes.length / 60)),
    ];
    for (const cut of cuts) {
      writeFileSync(path, bytes.subarray(0, Math.floor(cut)));
      const message = await readPredictions(path).then(
        ({ table }) => `cut at ${cut}: ${table.rows} rows`,
        (error: unknown) => (error as Error).message,
      );
      expect(message).toContain(`${path}: `);
    }
  });

  test.each(text)("%s: is refused where a row is cut, naming the row or its line", async (format) => {
    const whole = fresh(format);
    writePredictions(whole, tableOf(awkward), METADATA);
    const bytes = readFileSync(whole);
    const path = write(format, bytes.subarray(0, bytes.length - 6));
    const message =
      format === ".jsonl" ? `: row ${awkward.length}: ` : /(: row \d: Quote Not Closed|:1[01]: expected 11 fields)/;
    await expect(readPredictions(path)).rejects.toThrow(message);
  });
});

test("rows of a delimited file know the line on which they end", async () => {
  const content = 'a,b\n1,2\n\n"3\n4",5\n6,7';
  const lines = async (path: string, skipFirstLine: boolean): Promise<number[]> => {
    const found: number[] = [];
    for await (const { line } of delimited(path, { delimiters: [","], skipFirstLine })) found.push(line);
    return found;
  };
  expect(await lines(write(".csv", content), false)).toEqual([2, 5, 6]);
  expect(await lines(write(".csv", `something "else\n${content}`), true)).toEqual([3, 6, 7]);
});

describe("tables of other programs", () => {
  const line = { example_id: "a", question_id: "q", options: ["x", "y"], ordered: true, probabilities: [0.5, 0.5] };
  const refused = (path: string) => expect(readPredictions(path)).rejects;
  const jsonl = (...rows: object[]): string => write(".jsonl", rows.map((of) => JSON.stringify(of)).join("\n"));

  test("columns in any order, without those that may be missing", async () => {
    const expected = row({
      exampleId: "a",
      questionId: "q",
      participantId: null,
      profile: { age: "30" },
      options: ["x", "y"],
      answer: null,
      probabilities: [0.5, 0.5],
    });
    const csv =
      'age,probabilities,ordered,options,question_id,example_id\r\n30," [0.5, 0.5]",true,"[""x"",""y""]",q,a\r\n';
    const jsonl = `\n${JSON.stringify({ age: "30", ...line })}\n\n`;
    const paths = [write(".csv", csv), write(".csv", `\uFEFF${csv}`), write(".jsonl", jsonl), write(".JSONL", jsonl)];
    for (const path of paths) expect(rowsOf((await readPredictions(path)).table)).toEqual([expected]);
  });

  test("64-bit answers, and lists of other kinds, as polars and others write them", async () => {
    const list = (child: Data): Field => new Field("item", child.type, false);
    const options = vectorFromArray(["x", "y", "x", "y"], new Utf8()).data[0]!;
    const numbers = makeData({ type: new Float64(), data: Float64Array.of(0.25, 0.75, 1, 0) });
    const columns: Record<string, Data> = {
      example_id: vectorFromArray(["a", "b"], new Utf8()).data[0]!,
      question_id: vectorFromArray(["q", "q"], new Utf8()).data[0]!,
      options: makeData({
        type: new LargeList(list(options)),
        length: 2,
        valueOffsets: BigInt64Array.of(0n, 2n, 4n),
        child: options,
      }),
      ordered: vectorFromArray([true, true]).data[0]!,
      answer: makeData({ type: new Int64(), data: BigInt64Array.of(1n, 0n) }),
      probabilities: makeData({ type: new FixedSizeList(2, list(numbers)), length: 2, child: numbers }),
    };
    const schema = new Schema(Object.entries(columns).map(([name, data]) => new Field(name, data.type, false)));
    const children = Object.values(columns);
    const batch = new RecordBatch(
      schema,
      makeData({ type: new Struct(schema.fields), length: 2, nullCount: 0, children }),
    );
    for (const format of [".parquet", ".arrow"]) {
      const path = fresh(format);
      writeColumnar(path, new Table(schema, [batch]));
      const shared = { questionId: "q", participantId: null, profile: {}, options: ["x", "y"] };
      expect(rowsOf((await readPredictions(path)).table)).toEqual([
        row({ ...shared, exampleId: "a", answer: 1, probabilities: [0.25, 0.75] }),
        row({ ...shared, exampleId: "b", answer: 0, probabilities: [1, 0] }),
      ]);
    }
  });

  const listsOf = (child: DataType): List => new List(new Field("item", child, true));
  const shared = {
    options: vectorFromArray([["x", "y"], ["x", "y"]], listsOf(new Utf8())), // prettier-ignore
    ordered: vectorFromArray([true, true], new Bool()),
    probabilities: vectorFromArray([[0.25, 0.75], [0.25, 0.75]], listsOf(new Float64())), // prettier-ignore
  };

  test.each(formats)(
    "%s: numbers and booleans for ids and attributes are texts, empty texts are none",
    async (format) => {
      const path = fresh(format);
      const lists = { options: ["x", "y"], ordered: true, probabilities: [0.25, 0.75] };
      if (format === ".parquet" || format === ".arrow") {
        const columns = {
          example_id: vectorFromArray([9007199254740993n, 2n], new Int64()),
          question_id: vectorFromArray([7, 7], new Int32()),
          participant_id: vectorFromArray([3, null], new Int32()),
          country: vectorFromArray(["Japan", ""], new Utf8()),
          age: vectorFromArray([20, null], new Float64()),
          urban: vectorFromArray([true, false], new Bool()),
        };
        writeColumnar(path, new Table({ ...columns, ...shared }));
      } else if (format === ".jsonl") {
        const first = { example_id: "9007199254740993", question_id: 7, participant_id: 3, country: "Japan", age: 20 };
        const second = { example_id: 2, question_id: 7, participant_id: "", country: "", age: null };
        const rows = [
          { ...first, urban: true, ...lists },
          { ...second, urban: false, ...lists },
        ];
        writeFileSync(path, rows.map((of) => JSON.stringify(of)).join("\n"));
      } else {
        const cells = ['"[""x"",""y""]"', '"[0.25,0.75]"', "True"];
        const rows = [
          [
            "example_id",
            "question_id",
            "participant_id",
            "country",
            "age",
            "urban",
            "options",
            "probabilities",
            "ordered",
          ],
          ["9007199254740993", "7", "3", "Japan", "20", "true", ...cells],
          ["2", "7", "", "", "", "false", ...cells],
        ];
        writeFileSync(path, rows.map((row) => row.join(format === ".csv" ? "," : "\t")).join("\n"));
      }
      const of = { questionId: "7", options: ["x", "y"], answer: null };
      const profile = { country: "Japan", age: "20", urban: "true" };
      expect(rowsOf((await readPredictions(path)).table)).toEqual([
        row({ ...of, exampleId: "9007199254740993", participantId: "3", profile }),
        row({ ...of, exampleId: "2", participantId: null, profile: { urban: "false" } }),
      ]);
    },
  );

  test.each([".parquet", ".arrow"])(
    "%s: empty texts are none, dates are as in ISO 8601, lists are refused",
    async (format) => {
      const texts = (...values: string[]): Vector => vectorFromArray(values, new Utf8());
      const ids = { example_id: texts("a", "b"), question_id: texts("q", "q"), participant_id: texts("p", "") };
      const path = fresh(format);
      writeColumnar(path, new Table({ ...ids, country: texts("Japan", ""), ...shared }));
      expect(rowsOf((await readPredictions(path)).table).map((of) => [of.participantId, of.profile])).toEqual([
        ["p", { country: "Japan" }],
        [null, {}],
      ]);
      const born = vectorFromArray([new Date(0), null], new DateDay());
      writeColumnar(path, new Table({ ...ids, born, ...shared }));
      expect((await readPredictions(path)).table.row(0).profile).toEqual({ born: "1970-01-01" });
      writeColumnar(path, new Table({ ...ids, born: shared.probabilities, ...shared }));
      const said = `${path}: row 1: born: expected a text or null, found [0.25,0.75]`;
      await expect(readPredictions(path)).rejects.toThrow(said);
    },
  );

  test("probabilities and targets that were rounded are scaled to a sum of 1, others are left as they are", async () => {
    const thirds = { options: ["x", "y", "z"], probabilities: [0.333, 0.333, 0.333], target: [0.6667, 0.3334, 0] };
    const nearly = [0.25, 0.7499995];
    const path = jsonl({ ...line, ...thirds }, { ...line, example_id: "b", question_id: "r", probabilities: nearly });
    const [first, second] = rowsOf((await readPredictions(path)).table);
    for (const p of first!.probabilities) expect(p).toBeCloseTo(1 / 3, 15);
    expect(first!.target!.map((p) => p * 1.0001)).toEqual([expect.closeTo(0.6667, 12), expect.closeTo(0.3334, 12), 0]);
    expect(second!.probabilities).toEqual(nearly);
    const far = jsonl({ ...line, probabilities: [0.25, 0.7489] });
    await refused(far).toThrow(`${far}: row 1 (example "a"): probabilities: expected a sum of 1 (within 0.001)`);
  });

  test.each([
    ["ordered", "TRUE", undefined],
    ["ordered", "yes", "true or false"],
    ["weight", "nan", "a finite number"],
    ["weight", "1,5", "a finite number"],
    ["weight", "-inf", "a finite number"],
    ["probabilities", "[0.5,NaN]", "a list of finite numbers"],
    ["probabilities", "[0.1 0.2 ... 0.3]", "a list of finite numbers"],
    ["options", "yes and no", "a list of texts"],
  ])("a cell of csv: %s %s", async (column, value, expected) => {
    const cells = {
      example_id: "a",
      question_id: "q",
      ordered: "false",
      options: '["x","y"]',
      probabilities: "[0,1]",
      weight: "1",
      [column]: value,
    };
    const quoted = Object.values(cells).map((cell) => `"${cell.replaceAll('"', '""')}"`);
    const path = write(".csv", `${Object.keys(cells).join(",")}\n${quoted.join(",")}\n`);
    if (expected) await refused(path).toThrow(`${path}: row 1: ${column}: expected ${expected}, found "${value}"`);
    else expect((await readPredictions(path)).table.row(0).ordered).toBe(true);
  });

  describe("a column of an Arrow file whose bytes do not hold what its type says", () => {
    const item = (child: Data): Field => new Field("item", child.type, false);
    const texts = vectorFromArray(["q", "x", "y"], new Utf8());
    const coded = (codes: number[], dictionary = texts): Data =>
      makeData({ type: new Dictionary(new Utf8(), new Int32()), data: Int32Array.from(codes), dictionary });
    const columns = (changes: Record<string, Data>): Record<string, Data> => {
      const numbers = makeData({ type: new Float64(), data: Float64Array.of(0.25, 0.75, 1, 0) });
      return {
        example_id: vectorFromArray(["a", "b"], new Utf8()).data[0]!,
        question_id: coded([0, 0]),
        options: lists(coded([1, 2, 1, 2]), [0, 2, 4]),
        ordered: vectorFromArray([true, true]).data[0]!,
        probabilities: lists(numbers, [0, 2, 4]),
        ...changes,
      };
    };
    const lists = (child: Data, offsets: number[]): Data =>
      makeData({ type: new List(item(child)), length: 2, valueOffsets: Int32Array.from(offsets), child });
    const file = (changes: Record<string, Data>): string => {
      const fields = Object.entries(columns(changes)).map(([name, data]) => new Field(name, data.type, true));
      const children = Object.values(columns(changes));
      const data = makeData({ type: new Struct(fields), length: 2, nullCount: 0, children });
      const path = fresh(".arrow");
      writeColumnar(path, new Table(new Schema(fields), [new RecordBatch(new Schema(fields), data)]));
      return path;
    };

    test("is read where there is nothing wrong with it", async () => {
      const { table } = await readPredictions(file({}));
      expect(rowsOf(table).map(({ options, probabilities }) => [options, probabilities])).toEqual([
        [
          ["x", "y"],
          [0.25, 0.75],
        ],
        [
          ["x", "y"],
          [1, 0],
        ],
      ]);
    });

    const numbers = (values: number[]): Data => makeData({ type: new Float64(), data: Float64Array.from(values) });
    const cases: Record<string, [changes: Record<string, Data>, message: string]> = {
      "a code without a text": [{ question_id: coded([0, 7]) }, "row 2: question_id: expected a code of 3"],
      "a text that is null in the dictionary": [
        { question_id: coded([0, 1], vectorFromArray(["q", null], new Utf8())) },
        "row 2: question_id: expected a value, found nothing",
      ],
      "a code in a list without a text": [
        { options: lists(coded([1, 2, 1, 9]), [0, 2, 4]) },
        "row 2: options: expected a code of 3",
      ],
      "a list that ends after its texts": [
        { options: lists(coded([1, 2, 1]), [0, 2, 4]) },
        'row 2 (example "b"): options: expected those',
      ],
      "a number that is infinite": [
        { weight: makeData({ type: new Float64(), data: Float64Array.of(1, Infinity) }) },
        "row 2: weight: expected a finite number, found Infinity",
      ],
      "a list that ends after its numbers": [
        { probabilities: lists(numbers([0.25, 0.75, 1]), [0, 2, 4]) },
        "row 1: probabilities: expected 4 values",
      ],
      "texts for numbers": [{ weight: coded([0, 0]) }, 'row 1: weight: expected a finite number, found "q"'],
    };
    test.each(Object.entries(cases))("%s", async (_, [changes, message]) => {
      const path = file(changes);
      await expect(readPredictions(path)).rejects.toThrow(`${path}: ${message}`);
    });
  });

  test("refuses one option, and options that change", async () => {
    const one = jsonl(line, { ...line, example_id: "b", question_id: "r", options: ["x"], probabilities: [1] });
    await refused(one).toThrow(`${one}: row 2 (example "b"): expected 2 options or more, found 1`);
    const other = jsonl(line, { ...line, example_id: "b", options: ["x", "z"] });
    await refused(other).toThrow(
      `${other}: row 2 (example "b"): options: expected those of the question's earlier rows, ["x","y"], found ["x","z"]`,
    );
    const twice = jsonl(line, { ...line, example_id: "b", question_id: "r", options: ["x", "x"] });
    await refused(twice).toThrow(`${twice}: row 2 (example "b"): options: expected different texts, found "x" twice`);
    const nominal = jsonl(line, { ...line, example_id: "b", ordered: false });
    await refused(nominal).toThrow(`${nominal}: row 2 (example "b"): ordered: expected true`);
    const longer = jsonl({ ...line, probabilities: [0.5, 0.25, 0.25] });
    await refused(longer).toThrow(`${longer}: row 1 (example "a"): probabilities: expected 2 numbers`);
  });

  test("refuses cells of another type, naming the column", async () => {
    const list = jsonl(line, { ...line, example_id: "b", age: [30] });
    await refused(list).toThrow(`${list}: row 2: age: expected a text or null, found [30]`);
    const large = jsonl(line, { ...line, example_id: 2 ** 53 });
    await refused(large).toThrow(`${large}: row 2: example_id: expected a text, or a number of at most 2^53 - 1`);
    const fraction = jsonl({ ...line, answer: 0.5 });
    await refused(fraction).toThrow(
      'row 1 (example "a"): answer: expected null or an option\'s index from 0 to 1, found 0.5',
    );
    const word = write(".csv", "example_id,question_id,options,ordered,probabilities\na,q,[],yes,[1]\n");
    await refused(word).toThrow(`${word}: row 1: ordered: expected true or false, found "yes"`);
    const short = write(".tsv", "example_id\tquestion_id\toptions\tordered\tprobabilities\na\tq\n");
    await refused(short).toThrow(`${short}:2: expected 5 fields, as in the header; found 2`);
    const twice = write(".csv", "example_id,question_id,options,ordered,probabilities,age,age\n");
    await refused(twice).toThrow(`${twice}: header: expected each column once; found age twice`);
  });

  test("refuses what is not JSON, not UTF-8, or has other metadata", async () => {
    const words = write(".jsonl", `${JSON.stringify(line)}\nhello\n`);
    await refused(words).toThrow(`${words}: row 2: is not JSON`);
    for (const format of text) {
      const bytes = write(format, Uint8Array.of(0x7b, 0xff, 0xfe, 0x0a));
      await refused(bytes).toThrow(`${bytes}: is not UTF-8 text`);
    }
    const header = "example_id,question_id,options,ordered,probabilities";
    const metadata = write(".csv", `# cuma {"seed":7}\n${header}\n`);
    await refused(metadata).toThrow(`${metadata}: metadata: expected a JSON object of texts, found {"seed":7}`);
    const empty = write(".csv", "");
    await refused(empty).toThrow(`${empty}: header: expected the columns example_id`);
  });
});

test("refuses unknown extensions, naming those that there are", async () => {
  const message = (path: string) => `${path}: unknown file extension ".parqet"; expected one of ${formats.join(", ")}`;
  const path = fresh(".parqet");
  expect(() => writePredictions(path, tableOf([{}]))).toThrow(`${message(path)}; did you mean ".parquet"?`);
  await expect(readPredictions(path)).rejects.toThrow(`${path}: unknown file extension ".parqet"; expected one of`);
});

test("refuses to write an attribute that has the name of another column", () => {
  const path = fresh(".csv");
  const builder = new PredictionTableBuilder();
  builder.add(row({ profile: { weight: "heavy" } }));
  expect(() => writePredictions(path, builder.build())).toThrow(
    `${path}: the attribute "weight" has the name of another column; expected another name`,
  );
});

test("a question has at most 1,000 options", () => {
  const withOptions = (n: number): PredictionRow =>
    row({
      options: Array.from({ length: n }, (_, k) => `option ${k}`),
      probabilities: Array.from({ length: n }, (_, k) => Number(k === 0)),
    });
  expect(() => tableOf([withOptions(1000)])).not.toThrow();
  expect(() => tableOf([withOptions(1001)])).toThrow("expected at most 1000 options, found 1001");
});

test.each([".parquet", ".arrow"])("option lists that begin alike are kept apart: %s", async (extension) => {
  const lists = [
    ["no", "yes"],
    ["no", "perhaps"],
    ["no", "yes", "perhaps"],
    ["yes", "no"],
  ];
  const rows = [0, 1, 2, 3, 1, 0, 3, 2].map((list, i) => ({
    exampleId: String(i),
    questionId: `q${list}`,
    options: lists[list]!,
    probabilities: lists[list]!.map((_, k) => Number(k === 0)),
  }));
  const path = join(mkdtempSync(join(tmpdir(), "cuma-lists-")), `lists${extension}`);
  writePredictions(path, tableOf(rows));
  const { table } = await readPredictions(path);
  rmSync(dirname(path), { recursive: true });
  for (const [i, { options }] of rows.entries()) expect(table.row(i).options).toEqual(options);
});
