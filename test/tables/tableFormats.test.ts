import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  Bool,
  DateDay,
  Dictionary,
  Float32,
  Float64,
  Int16,
  Int64,
  Table,
  TimestampMillisecond,
  Utf8,
  vectorFromArray,
  type DataType,
} from "apache-arrow";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { readArrow } from "../../src/core/tables/readArrow.ts";
import { writeColumnar } from "../../src/core/tables/columnar.ts";
import { cellReader } from "../../src/core/tables/arrowCells.ts";
import { cellOf } from "../../src/core/tables/cells.ts";
import { openTable, type AttributeChoice } from "../../src/core/tables/openTable.ts";

const root = mkdtempSync(join(tmpdir(), "cuma-formats-"));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

let files = 0;
function write(extension: string, content: string | Uint8Array): string {
  const path = join(root, `${files++}${extension}`);
  writeFileSync(path, content);
  return path;
}

async function profiles(path: string, choice: AttributeChoice = {}): Promise<Readonly<Record<string, string>>[]> {
  const { rows } = await openTable(path, { columns: {}, needed: [], ...choice });
  const found = [];
  for await (const { profile } of rows) found.push(profile);
  return found;
}

/** A column as Arrow has it, as a cell of csv, and as a value of JSON. */
interface Column {
  readonly type: DataType;
  readonly values: readonly unknown[];
  readonly csv: readonly string[];
  readonly json: readonly unknown[];
}

const ROWS = 4;

/** @param csv As pandas writes it: True, 2.0, 2020-01-31 12:00:00. */
function column<T>(
  type: DataType,
  value: fc.Arbitrary<T>,
  csv: (value: T) => string,
  json: (value: T) => unknown,
  arrow: (value: T) => unknown = (of) => of,
): fc.Arbitrary<Column> {
  return fc.array(fc.option(value, { freq: 4 }), { minLength: ROWS, maxLength: ROWS }).map((values) => ({
    type,
    values: values.map((of) => (of === null ? null : arrow(of))),
    csv: values.map((of) => (of === null ? "" : csv(of))),
    json: values.map((of) => (of === null ? null : json(of))),
  }));
}

const pythonFloat = (value: number): string => (Number.isInteger(value) ? `${value}.0` : String(value));
const floats = fc.oneof(fc.integer({ min: -1e6, max: 1e6 }), fc.constantFrom(0.1, -2.5, 1e-5, 123456.789));
const words = fc.constantFrom("Japan", "Côte d'Ivoire", "a, b", "None", "NA", "007", "25-34 years", "line\nend", '"');
const days = fc.integer({ min: -20_000, max: 20_000 }).map((day) => new Date(day * 86_400_000));
const moments = fc.date({ min: new Date("1900-01-01"), max: new Date("2100-01-01"), noInvalidDate: true });
const iso = (date: Date): string => date.toISOString().slice(0, -1);

const columns = fc.record({
  "64-bit integers": column(new Int64(), fc.bigInt({ min: -(2n ** 53n) + 1n, max: 2n ** 53n - 1n }), String, Number),
  "large integers": column(new Int64(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 62n }), String, String),
  "small integers": column(new Int16(), fc.integer({ min: -999, max: 999 }), String, (value) => value),
  floats: column(new Float64(), floats, pythonFloat, (value) => value),
  "32-bit floats": column(new Float32(), fc.constantFrom(0.1, 2, 0.7, 1.25), pythonFloat, (value) => value),
  booleans: column(
    new Bool(),
    fc.boolean(),
    (value) => (value ? "True" : "False"),
    (value) => value,
  ),
  texts: column(
    new Utf8(),
    words,
    (value) => value,
    (value) => value,
  ),
  categories: column(
    new Dictionary(new Utf8(), new Int16()),
    words,
    (value) => value,
    (value) => value,
  ),
  dates: column(
    new DateDay(),
    days,
    (value) => iso(value).slice(0, 10),
    (value) => `${iso(value).slice(0, 10)}T00:00:00.000`,
  ),
  times: column(
    new TimestampMillisecond(),
    moments,
    (value) => iso(value).replace("T", " "),
    (value) => `${iso(value)}000`,
    Number,
  ),
});

test("the same table gives the same attributes as csv, tsv, JSON lines, a JSON array, Parquet and Arrow", async () => {
  await fc.assert(
    fc.asyncProperty(columns, async (table) => {
      const names = Object.keys(table) as (keyof typeof table)[];
      const cells = (pick: (of: Column, row: number) => unknown): unknown[][] =>
        Array.from({ length: ROWS }, (_, row) => names.map((name) => pick(table[name], row)));
      const delimited = (separator: string): string =>
        [names, ...cells((of, row) => of.csv[row])]
          .map((line) => line.map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(separator))
          .join("\n");
      const records = cells((of, row) => of.json[row]).map((line) =>
        Object.fromEntries(line.map((value, i) => [names[i]!, value] as const)),
      );
      const lines = records.map((record) => JSON.stringify(record)).join("\n");
      const arrow = new Table(
        Object.fromEntries(names.map((name) => [name, vectorFromArray([...table[name].values], table[name].type)])),
      );
      const columnar = [".parquet", ".arrow"].map((extension) => {
        const path = write(extension, "");
        writeColumnar(path, arrow);
        return path;
      });
      const paths = [
        ...columnar,
        write(".csv", delimited(",")),
        write(".csv", `\uFEFF${delimited(";").replaceAll("\n", "\r\n").replaceAll("line\r\nend", "line\nend")}`),
        write(".tsv", delimited("\t")),
        write(".csv.gz", gzipSync(delimited(","))),
        write(".jsonl", lines),
        write(".ndjson.gz", gzipSync(lines)),
        write(".json", JSON.stringify(records, null, 2)),
        write(".json.gz", gzipSync(JSON.stringify(records))),
      ];
      const [expected, ...others] = await Promise.all(paths.map((path) => profiles(path)));
      for (const [i, found] of others.entries()) expect([paths[i + 1], found]).toEqual([paths[i + 1], expected]);
      for (const path of paths) rmSync(path);
    }),
    { numRuns: 40 },
  );
});

test.each([
  ["NaN", null],
  ["<NA>", null],
  ["NaT", null],
  ["NA", "NA"],
  ["None", "None"],
  ["null", "null"],
  ["1.0", "1"],
  ["1.50", "1.50"],
  ["01.0", "01.0"],
  ["TRUE", "true"],
  ["2020-01-31 00:00:00", "2020-01-31"],
  ["2020-01-31 12:00:00+01:00", "2020-01-31T11:00:00Z"],
  ["2020-01-31T11:00:00.500Z", "2020-01-31T11:00:00.5Z"],
  ["2020-99-99 12:00:00", "2020-99-99 12:00:00"],
])("a text cell %s is %s", (text, expected) => {
  expect(cellOf("text", text)).toBe(expected);
});

test.each([["", "index", "level_0", "Unnamed: 0", "Unnamed: 0.1", "__index_level_0__"], ["age"]])(
  "columns of row numbers are no attributes: %s",
  async (...names) => {
    const path = write(".jsonl", JSON.stringify(Object.fromEntries([...names, "country"].map((name) => [name, "1"]))));
    expect(await profiles(path)).toEqual([names[0] === "age" ? { age: "1", country: "1" } : { country: "1" }]);
    expect(await profiles(path, { attributes: [names[0]] })).toEqual([{ [names[0]]: "1" }]);
    expect(await profiles(path, { ignore: ["country"] })).toEqual([names[0] === "age" ? { age: "1" } : {}]);
  },
);

describe("files that claim much", () => {
  test("an Arrow file with one wrong bit is read, or refused, and ends", () => {
    const folder = join(import.meta.dirname, "..", "fixtures", "golden", "tables");
    for (const name of ["pyarrow-plain.feather", "pyarrow-lz4.feather", "polars.arrow"]) {
      const whole = readFileSync(join(folder, name));
      for (let bit = 0; bit < 8 * whole.length; bit += 37) {
        const bytes = Uint8Array.from(whole);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        try {
          for (const { data, numRows } of readArrow(bytes).batches) {
            const read = data.children.map((column) => cellReader(column, "verbatim"));
            for (let row = 0; row < numRows; row++) read.forEach((cell) => cell(row));
          }
        } catch {
          // Refused.
        }
      }
    }
  });

  test("bounds on columns and on the length of a row", async () => {
    const wide = write(".csv", Array.from({ length: 100_000 }, (_, i) => `c${i}`).join(","));
    await expect(profiles(wide)).rejects.toThrow(`${wide}: header: expected at most 10000 columns, found 100000`);
    const long = write(".jsonl", `{"a":"1"}\n{"a":"${"x".repeat(17_000_000)}"}\n`);
    await expect(profiles(long)).rejects.toThrow(`${long}: line 2: expected at most 16000000 characters, found more`);
    const open = write(".csv", `a,b\n"x,y\n${"z,z\n".repeat(5_000_000)}`);
    await expect(profiles(open)).rejects.toThrow(`${open}: row 1: is longer than 16000000 characters; is a quote`);
    const deep = write(".jsonl", `{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}`);
    await expect(profiles(deep)).rejects.toThrow(`${deep}: row 1: a: expected a text or null, found [[[`);
  });
});
