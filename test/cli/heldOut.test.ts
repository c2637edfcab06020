import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { loadPlanted } from "../../datasets/index.ts";
import { evaluate, PredictionTableBuilder, readPredictions } from "../../src/index.ts";
import { cuma } from "../support/cli.ts";
import { temporaryFolder } from "../support/folder.ts";

const COUNTRIES = ["Japan", "Kenya", "Peru", "Norway", "Jordan", "Canada"];

const root = temporaryFolder("held-out");
let data: string;

interface Results {
  readonly samples: { readonly examples: number };
  readonly notes: Readonly<Record<string, number>>;
  readonly metrics: Readonly<Record<string, { value: number | null; low: number | null; n: number }>>;
  readonly subsets: Readonly<Record<"seen" | "heldOut", Results>> | null;
}

const results = (folder: string): Results =>
  JSON.parse(readFileSync(join(root, folder, "results.json"), "utf8")) as Results;

beforeAll(() => {
  data = join(root, "data");
  mkdirSync(data);
  const rows = Array.from({ length: 40 }, (_, q) =>
    COUNTRIES.map((country, c) => {
      const yes = ((q * 7 + c * 3) % 10) / 10;
      const distribution = q === 0 ? [yes, 1.001 - yes, 0] : [yes, 0.9 - yes + 0.1, 0];
      return { country, question: `Question ${q}?`, options: ["Yes", "No", "DK/Refused"], distribution };
    }),
  ).flat();
  writeFileSync(join(data, "distributions.json"), JSON.stringify(rows));
});

const run = (out: string, ...more: string[]) => [
  ...["train", "--base", "demo", "--data", data, "--out", join(root, out), "--set", "data.benchmark=globalopinionqa"],
  ...["--set", "train.labels=soft", "--set", "train.maxSteps=2", ...more],
];
const evaluation = (out: string, ...more: string[]) => [
  ...["eval", "--bench", "globalopinionqa", "--base", "demo", "--data", data, "--split", "full"],
  ...["--out", join(root, out), "--resamples", "20", ...more],
];

test("training does not see the groups, and evaluation reports them apart", async () => {
  const rule = "[{ where: { country: [Japan, Peru] } }]";
  const trained = await cuma(run("adapter", "--set", `data.holdOut=${rule}`));
  expect(trained).toMatchObject({ code: 0 });
  const record = JSON.parse(readFileSync(join(root, "adapter", "run.json"), "utf8")) as {
    examples: number;
    profiles: number;
  };
  const all = await cuma(run("all", "--dry-run", "--json"));
  const { examples } = JSON.parse(all.stdout) as { examples: number };
  expect(record).toMatchObject({ examples: (examples * 4) / 6, profiles: 4 });
  // A limit is of what is left.
  const few = await cuma(run("few", "--set", `data.holdOut=${rule}`, "--limit", "50", "--dry-run", "--json"));
  expect(JSON.parse(few.stdout)).toMatchObject({ examples: 50, profiles: 4 });

  const done = await cuma(evaluation("test", "--adapter", join(root, "adapter")));
  expect(done.code).toBe(0);
  expect(done.stdout).toMatch(/groups held out of training: 80 examples\nmetric/);
  const found = results("test");
  expect(found.samples.examples).toBe(240);
  expect(found.notes).toEqual({
    "rows whose non-responses were dropped": 240,
    "distributions that did not sum to 1, renormalised": 6,
  });
  const { table, metadata } = await readPredictions(join(root, "test", "predictions.parquet"));
  expect(JSON.parse(metadata["holdOut"]!)).toEqual([{ where: { country: ["Japan", "Peru"] } }]);
  for (const [subset, countries] of [
    ["heldOut", ["Japan", "Peru"]],
    ["seen", ["Kenya", "Norway", "Jordan", "Canada"]],
  ] as const) {
    const builder = new PredictionTableBuilder();
    for (let i = 0; i < table.rows; i++) {
      const row = table.row(i);
      if ((countries as readonly string[]).includes(row.profile["country"]!)) builder.add(row);
    }
    const expected = evaluate(builder.build(), { resamples: 20 });
    const { metrics } = found.subsets![subset];
    for (const name of ["groupEmd", "mci", "rho", "beta"] as const) {
      const { value } = metrics[name]!;
      expect(value ?? NaN).toBeCloseTo(expected[name].value, 12);
    }
  }
});

test("a base is told which groups count as held out; without rules there are no subsets", async () => {
  expect(await cuma(evaluation("base", "--hold-out", "{ where: { country: Kenya } }"))).toMatchObject({ code: 0 });
  expect(results("base").subsets?.heldOut.samples.examples).toBe(40);
  const other = await cuma(evaluation("base", "--resume", "--hold-out", "{ where: { country: Japan } }"));
  expect(other).toMatchObject({ code: 1, stdout: "" });
  expect(other.stderr).toContain("belongs to another evaluation");
  const rules = ["Kenya", "Japan"].flatMap((country) => ["--hold-out", `{ where: { country: ${country} } }`]);
  expect(await cuma(evaluation("two", ...rules))).toMatchObject({ code: 0 });
  expect(results("two").subsets?.heldOut.samples.examples).toBe(80);
  expect(await cuma(evaluation("plain"))).toMatchObject({ code: 0 });
  expect(results("plain").subsets).toBeNull();
});

test.each([
  ["{ where: { continent: Asia } }", 1, /unknown attribute "continent"/],
  ["{ where: { country: [Kenya, Japn] } }", 1, /unknown country "Japn"; expected one of Canada, .*mean "Japan"\?/],
  ["{ share: 2 }", 2, /: expected a rule such as/],
  ["country=Japan", 2, /: expected a rule such as/],
])("refuses the rule %s before a model is asked", async (rule, code, message) => {
  const refused = await cuma(evaluation("refused", "--hold-out", rule));
  expect(refused).toMatchObject({ code, stdout: "" });
  expect(refused.stderr).toMatch(message);
  expect(existsSync(join(root, "refused", "results.json"))).toBe(false);
});

test("a run file's rules are checked: attributes, shares, and that something is left", async () => {
  const refused = async (rule: string) => (await cuma(run("bad", "--set", `data.holdOut=${rule}`))).stderr;
  expect(await refused("[{ where: { continent: Asia } }]")).toMatch(/data\.holdOut: unknown attribute "continent"/);
  expect(await refused("[{ by: [country], share: 1 }]")).toMatch(/data\.holdOut/);
  expect(await refused("[{ where: { country: [Peru, Japn] } }]")).toMatch(
    /data\.holdOut: unknown country "Japn"; expected one of Canada, .*Peru; did you mean "Japan"\?/,
  );
  const everybody = `[{ where: { country: [${COUNTRIES.join(", ")}] } }]`;
  expect(await refused(everybody)).toMatch(/no examples that data\.holdOut leaves/);
});

test("rules name what planted data has: a misspelt country and a combination that nobody has are refused", async () => {
  const planted = join(root, "planted");
  const flags = ["--participants", "40", "--questions", "2", "--held-out", "1"];
  const made = await cuma(["data", "planted", "--out", planted, ...flags]);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  const folder = join(root, "none");
  const messages = async (where: object): Promise<string[]> => {
    const rule = JSON.stringify({ where });
    const common = ["--base", "demo", "--data", planted, "--out", folder];
    const runs = await Promise.all([
      cuma(["train", ...common, "--dry-run", "--set", "data.benchmark=planted", "--set", `data.holdOut=[${rule}]`]),
      cuma(["eval", ...common, "--bench", "planted", "--split", "test", "--limit", "2", "--hold-out", rule]),
    ]);
    expect(runs.map(({ code }) => code)).toEqual([1, 1]);
    return runs.map(({ stderr }) => stderr);
  };
  for (const message of await messages({ country: ["Belmorra"] })) {
    expect(message).toMatch(/unknown country "Belmorra"; expected one of .*did you mean "Belmora"\?/);
  }
  const { known } = await loadPlanted(planted, "train", { limit: 1 });
  const texts = (name: string) => [...new Set(known.flatMap((profile) => profile[name] ?? []))];
  const everyone = await Promise.all(["train", "test"].map((split) => loadPlanted(planted, split)));
  const people = everyone.flatMap((source) => Array.from({ length: source.length }, (_, i) => source.at(i).profile));
  const [country, education] = texts("country")
    .flatMap((country) => texts("education").map((education) => [country, education] as const))
    .find(([country, education]) => !people.some((p) => p["country"] === country && p["education"] === education))!;
  for (const message of await messages({ country, education })) {
    expect(message).toContain(
      `expected a combination that somebody has; found country "${country}" with education "${education}"`,
    );
  }
});

test("published prediction files are WorldValuesBench's", async () => {
  const refused = await cuma([
    ...["eval", "--bench", "globalopinionqa", "--data", data],
    ...["--predictions", join(data, "distributions.json")],
  ]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("expected --bench wvb");
});
