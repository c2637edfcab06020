import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { plantedSpecSchema, writePlanted, type PlantedSpecInput } from "../../datasets/index.ts";
import { readTruth, type Truth } from "../../datasets/planted/model.ts";
import { packageRoot } from "../../src/app/package.ts";
import { checkConfig, readConfigFile } from "../../src/core/config/index.ts";
import { messageOf, UsageError } from "../../src/core/util/index.ts";

let root: string;
beforeAll(() => (root = mkdtempSync(join(tmpdir(), "cuma-planted-spec-"))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const belmora = { country: "Belmora", religion: "Wayfarer" };
const split = (train: number, valid: number, test: number) => ({ splits: { train, valid, test } });

describe("what cannot be had is refused, before anything is written", () => {
  test.each<[PlantedSpecInput, string]>([
    [{ participants: 9 }, '"participants": expected a whole number from 10 to 1000000; found 9'],
    [{ questions: 33 }, '"questions": expected a whole number from 1 to 32; found 33'],
    [{ questions: 1.5 }, '"questions": expected a whole number from 1 to 32; found 1.5'],
    [{ questions: 24, skip: 9 }, '"skip": expected at most 8 with 24 questions; found 9'],
    [{ levels: [4, 11] }, '"levels": expected a whole number from 2 to 10, or a list of them; found [4,11]'],
    [{ modes: 0 }, '"modes": expected a whole number from 2 to 8; found 0'],
    [{ distance: 1.1 }, '"distance": expected a number from 0 to 1; found 1.1'],
    [{ noise: 0 }, '"noise": expected a number from 0.05 to 10; found 0'],
    [{ noise: NaN }, '"noise": expected a number from 0.05 to 10; found NaN'],
    [{ modes: 8, countries: 7 }, '"modes": expected at most 7, the number of countries or religions; found 8'],
    [
      { modes: 7, countries: 3, religions: 2, mixing: "interacting", heldOut: 0 },
      '"modes": expected at most 6, the number of combinations of country and religion; found 7',
    ],
    [{ peak: 0.2 }, '"peak": expected at least 1 / modes, 0.25; found 0.2'],
    [{ interaction: 0.5 }, '"interaction": expected nothing without "mixing: interacting"; found 0.5'],
    [
      { heldOut: 25 },
      '"heldOut": expected at most 24, so that training sees every one of 8 countries and 4 religions; found 25',
    ],
    [
      { countries: 2, modes: 4, heldOut: 5 },
      '"heldOut": expected at most 4, so that training sees every one of 2 countries and 4 religions; found 5',
    ],
    [
      { countries: 2, modes: 2, heldOut: [{ country: "Cassidia", religion: "Old Tide" }] },
      '"heldOut.0.country": unknown country "Cassidia"; expected one of Arvenland, Belmora',
    ],
    [{ heldOut: [belmora, belmora] }, '"heldOut.1": expected each combination once; found {"country":"Belmora",'],
    [
      {
        countries: 2,
        religions: 2,
        modes: 2,
        heldOut: ["Arvenland", "Belmora"].map((country) => ({ country, religion: "Old Tide" })),
      },
      '"heldOut": expected a combination of the religion Old Tide that training sees; found [',
    ],
    [split(0.75, 0.25, 0.25), '"splits": expected shares of sum 1, not 1.25; found {'],
    [split(0.5, 0.5, 0), '"splits.test": expected a share that gives at least one of 600 participants; found 0'],
    [{ schemas: ["prism"] }, '"schemas": expected wvb, and each of the others at most once; found ["prism"]'],
    [{ schemas: ["wvb", "prism"], religions: 6 }, '"religions": expected at most 5 with the schema prism; found 6'],
    [
      { schemas: ["wvb", "prism"], prompts: 3, conversations: 4 },
      '"conversations": expected at most 3, the number of prompts; found 4',
    ],
    [
      { schemas: ["wvb", "community-alignment"], participants: 60_000, conversations: 2 },
      '"participants": expected at most 50000 with 2 conversations each; found 60000',
    ],
  ])("%j", (spec, message) => {
    const out = join(root, "never");
    expect(() => writePlanted({ out, ...spec })).toThrow(UsageError);
    try {
      writePlanted({ out, ...spec });
    } catch (error) {
      expect(messageOf(error).slice(0, "planted data: ".length + message.length)).toBe(`planted data: ${message}`);
    }
    expect(existsSync(out)).toBe(false);
  });

  test.each<[string, PlantedSpecInput]>([
    ["the most held out", { heldOut: 24 }],
    ["more religions than countries", { countries: 3, religions: 7, modes: 7, heldOut: 14 }],
    ["a list", { heldOut: [belmora] }],
    ["one religion", { religions: 1, heldOut: 0 }],
  ])("%s: every country and religion is seen in training", (_, spec) => {
    const out = join(root, "most");
    writePlanted({ out, overwrite: true, participants: 40, questions: 1, ...spec });
    const { groups } = JSON.parse(readFileSync(join(out, "truth.json"), "utf8")) as {
      groups: { country: string; religion: string; heldOut: boolean }[];
    };
    const seen = groups.filter(({ heldOut }) => !heldOut);
    for (const name of ["country", "religion"] as const) {
      expect(new Set(seen.map((group) => group[name]))).toEqual(new Set(groups.map((group) => group[name])));
    }
    const asked = spec.heldOut!;
    expect(groups.length - seen.length).toBe(typeof asked === "number" ? asked : asked.length);
  });
});

test("a file's errors name its line", () => {
  const path = join(root, "bad.yaml");
  writeFileSync(path, "# a comment\nseed: 1\nmodess: 3\nheldOut:\n  - { country: Belmora, religion: Old Tide }\n");
  expect(() => checkConfig(readConfigFile(path), plantedSpecSchema)).toThrow(
    `${path}:3: unknown key "modess"; did you mean "modes"?`,
  );
  writeFileSync(
    path,
    "heldOut:\n  - { country: Belmora, religion: Old Tide }\n  - country: Atlantis\n    religion: Old Tide\n",
  );
  expect(() => checkConfig(readConfigFile(path), plantedSpecSchema)).toThrow(
    `${path}:3: "heldOut.1.country": unknown country "Atlantis"; expected one of Arvenland`,
  );
});

describe("the shipped specs", () => {
  const folder = join(packageRoot, "examples", "planted");
  const names = readdirSync(folder).map((name) => name.replace(".yaml", ""));
  const specOf = (name: string) => checkConfig(readConfigFile(join(folder, `${name}.yaml`)), plantedSpecSchema);

  test.each(names)("%s is a spec, and its header has the commands of its own name", (name) => {
    const out = join(root, name);
    writePlanted({ ...specOf(name), participants: 40, out });
    const text = readFileSync(join(folder, `${name}.yaml`), "utf8");
    expect(text).toContain(`#   cuma data planted --spec examples/planted/${name}.yaml --out data/${name}\n`);
    if (name === "preferences") return;
    expect(text).toMatch(new RegExp(`^#   cuma train .* --data data/${name} --out runs/${name} `, "m"));
    expect(text).toMatch(new RegExp(`^#   cuma eval .* --adapter runs/${name} --data data/${name} `, "m"));
    if (specOf(name).answers === "distribution") expect(text).toContain("--set train.labels=soft");
  });

  test("additive.yaml names every knob, with the default where it has another value", () => {
    const text = readFileSync(join(folder, "additive.yaml"), "utf8");
    const defaults = plantedSpecSchema.parse({}) as Record<string, unknown>;
    const spec = specOf("additive") as Record<string, unknown>;
    for (const knob of Object.keys(plantedSpecSchema.shape)) {
      const line = new RegExp(`^(?:# )?${knob}: .*$`, "m").exec(text)?.[0];
      expect(line, knob).toBeDefined();
      if (knob === "interaction") continue;
      if (JSON.stringify(spec[knob]) === JSON.stringify(defaults[knob])) expect(line).toContain("# default");
      else expect(line).toContain(`# default ${String(defaults[knob])};`);
    }
  });

  test("aware.yaml asks other questions of the truth of additive.yaml, and hides the same groups", () => {
    const [additive, aware] = ["additive", "aware"].map((name) => {
      const out = join(root, `${name}-truth`);
      writePlanted({ ...specOf(name), participants: 40, out });
      return readTruth(join(out, "truth.json"));
    });
    const hidden = ({ groups }: Truth) => groups.map(({ country, religion, heldOut }) => [country, religion, heldOut]);
    expect(hidden(aware!)).toEqual(hidden(additive!));
    expect(aware).toMatchObject({ countries: additive!.countries, religions: additive!.religions });
    const [asked, others] = [additive!, aware!].map(({ questions }) => Object.keys(questions));
    expect([asked, others].map((ids) => [ids!.length, ids![0]])).toEqual([
      [16, "Q1"],
      [16, "Q17"],
    ]);
  });

  test("pairs differ in what they are pairs for", () => {
    expect(specOf("interacting")).toEqual({ ...specOf("additive"), mixing: "interacting", interaction: 1 });
    expect(specOf("aware")).toEqual({ ...specOf("additive"), skip: 16, heldOut: expect.any(Array) as unknown });
    expect(specOf("soft")).toEqual({ ...specOf("sampled"), answers: "distribution" });
  });
});
