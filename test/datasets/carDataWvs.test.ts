import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { loadCarDataWvs } from "../../datasets/index.ts";

const HEADER = '"poverty","religion","degree","country","age","gender"\n';

function folder(lines: readonly string[]): string {
  const dir = mkdtempSync(join(tmpdir(), "cardata-"));
  writeFileSync(join(dir, "wvs.csv"), HEADER + lines.map((line) => `${line}\n`).join(""));
  return dir;
}

describe("carData's WVS", () => {
  test("gives profiles, the ordered answer, and splits that share nobody", async () => {
    const lines = Array.from({ length: 100 }, (_, i) => `"Too Much","yes","no","USA",${20 + (i % 40)},"female"`);
    const dir = folder(lines);
    const first = (await loadCarDataWvs(dir, "full")).at(0);
    expect(first).toMatchObject({
      id: "1",
      profile: {
        country: "USA",
        age: "20-29 years",
        gender: "female",
        education: "no university degree",
        religion: "belongs to a religion",
      },
      options: ["Too Little", "About Right", "Too Much"],
      ordered: true,
      answer: 2,
    });
    expect((await loadCarDataWvs(dir, "full")).at(17).profile["age"]).toBe("30-39 years");
    const ids = await Promise.all(
      ["train", "valid", "test"].map(async (split) => {
        const source = await loadCarDataWvs(dir, split);
        return Array.from({ length: source.length }, (_, i) => source.at(i).id);
      }),
    );
    expect(ids.map(({ length }) => length)).toEqual([60, 10, 30]);
    expect(new Set(ids.flat()).size).toBe(100);
    expect((await loadCarDataWvs(dir, "train", { limit: 7, seed: 1 })).length).toBe(7);
  });

  test.each([
    ['"Lots","yes","no","USA",44,"male"', /wvs\.csv: "1\.poverty"/],
    ['"Too Much","yes","no","USA",x,"male"', /"1\.age"/],
    ['"Too Much","yes"', /wvs\.csv:3: expected 6 fields, as in the header; found 2/],
  ])("refuses %s", async (line, message) => {
    const dir = folder(['"Too Much","yes","no","USA",44,"male"', line]);
    await expect(loadCarDataWvs(dir, "full")).rejects.toThrow(message);
  });
});

const real = resolve("../shared/data/wvs-cardata");
test.skipIf(!existsSync(real))(
  "the real file has 5,381 respondents of four countries (needs shared/data)",
  async () => {
    const source = await loadCarDataWvs(real, "full");
    expect(source.length).toBe(5381);
    const countries = new Set(Array.from({ length: source.length }, (_, i) => source.at(i).profile["country"]));
    expect([...countries].sort()).toEqual(["Australia", "Norway", "Sweden", "USA"]);
  },
);
