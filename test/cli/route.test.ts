import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tableFromArrays } from "apache-arrow";
import { beforeAll, describe, expect, test } from "vitest";
import type { RouteResults } from "../../src/app/route.ts";
import { loadCuma, writePredictions } from "../../src/index.ts";
import { writeColumnar } from "../../src/core/tables/columnar.ts";
import { tableOf } from "../eval/support.ts";
import { cuma, startCuma } from "../support/cli.ts";
import { temporaryFolder } from "../support/folder.ts";

// The adapter is untrained: its random routers see the profile all the same. Whether training finds planted groups is
// measured, not tested.

const root = temporaryFolder("route");
const data = join(root, "data");
const adapter = join(root, "adapter");
const lora = join(root, "lora");
const COUNTRIES = ["Arvenland", "Belmora", "Cassidia", "Dorvania", "Estrellia"];
const RELIGIONS = ["Old Tide", "Wayfarer"];
const profiles = COUNTRIES.flatMap((country) => RELIGIONS.map((religion) => ({ country, religion })));

beforeAll(async () => {
  await cuma(["data", "planted", "--out", data, "--seed", "2", "--participants", "60", "--questions", "6"]);
  const train = (out: string, ...set: string[]) =>
    cuma([
      ...["train", "--base", "demo", "--data", data, "--out", out],
      ...["data.attributes=[country, religion]", "train.maxSteps=0", ...set].flatMap((one) => ["--set", one]),
    ]);
  const runs = await Promise.all([
    train(adapter, "adapter.numExperts=4", "adapter.routerHidden=16"),
    train(lora, "adapter.method=lora"),
  ]);
  expect(runs).toMatchObject([{ code: 0 }, { code: 0 }]);
});

function file(name: string, content: string): string {
  const path = join(root, name);
  writeFileSync(path, content);
  return path;
}
const csv = (rows: readonly (readonly string[])[]): string => `${rows.map((row) => row.join(",")).join("\n")}\n`;
const goodProfiles = file(
  "profiles.csv",
  csv([["country", "religion"], ...profiles.map((p) => [p.country, p.religion])]),
);
const route = (...more: string[]): string[] => ["route", "--base", "demo", "--adapter", adapter, ...more];
async function routed(...more: string[]): Promise<RouteResults> {
  const run = await cuma(route("--permutations", "19", ...more, "--json"));
  expect(run.code, run.stderr).toBe(0);
  return JSON.parse(run.stdout) as RouteResults;
}

describe("results", () => {
  const reference = (): string =>
    file(
      "zones.csv",
      csv([["country", "zone"], ["Fenmark", "zone 1"], ...COUNTRIES.map((c, i) => [c, `zone ${i % 2}`]).reverse()]),
    );
  /**
   * Truths of two questions, by country, and of a third that two countries share; Estrellia has no answers. That of
   * Cassidia to Q1 is the mean of two, by weight. One answer is of no group, one is not known.
   */
  function answers(): string {
    const path = join(root, "answers.parquet");
    const q1 = { questionId: "Q1", answer: null, probabilities: [0.5, 0.5] };
    const rows = COUNTRIES.slice(0, 4).flatMap((country, c) => [
      ...(c === 2
        ? [
            { ...q1, profile: { country }, target: [1, 0], weight: 1 },
            { ...q1, profile: { country }, target: [1 / 3, 2 / 3], weight: 3 },
          ]
        : [{ ...q1, profile: { country }, target: [c / 4, 1 - c / 4] }]),
      { questionId: "Q3", profile: { country }, answer: c % 3, probabilities: [0.2, 0.3, 0.5] },
      ...(c < 2 ? [{ questionId: "Q5", profile: { country }, answer: c, probabilities: [0.5, 0.5] }] : []),
    ]);
    const others = [
      { ...q1, profile: { country: "Fenmark" }, target: [0, 1] },
      { ...q1, profile: { country: "Belmora" } },
    ];
    writePredictions(path, tableOf([...rows, ...others]));
    return path;
  }
  const everything = (): string[] => [
    ...["--profiles", goodProfiles, "--data", data, "--limit", "3", "--by", "country", "--seed", "4"],
    ...["--reference", reference(), "--answers", answers(), "--permutations", "49"],
  ];

  test("are written, printed, and the same again", async () => {
    const out = join(root, "made", "route.json");
    const run = await cuma(route(...everything(), "--out", out));
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toMatch(/routing 30\/30 texts, .*\/s, done/);
    expect(run.stdout).toContain("5 groups of 10 profiles, 3 texts, 4 routers");
    expect(run.stdout).toMatch(/^Belmora +2 +\d( +0\.\d{3}){4}$/m);
    const again = await cuma(route(...everything(), "--json"));
    const { config, ...written } = JSON.parse(readFileSync(out, "utf8")) as RouteResults;
    const { config: other, ...printed } = JSON.parse(again.stdout) as RouteResults;
    expect(printed).toEqual(written);
    expect(config).toEqual({ ...other, out });
    expect(config).toMatchObject({ by: ["country"], model: { persona: true, attributes: ["country", "religion"] } });
    expect(written).toMatchObject({
      seed: 4,
      samples: { rows: 10, profiles: 10, texts: 3, groups: 5 },
      exclusions: {
        "labels of no group": 1,
        "answers of no group": 1,
        "answers that are not known": 1,
        "groups without answers": 1,
      },
      identity: { base: expect.stringMatching(/^[0-9a-f]{64}$/) as string, texts: expect.any(Array) as string[] },
    });
    const { topology } = written;
    expect(topology.groups).toEqual(COUNTRIES.map((name) => ({ name, profiles: 2 })));
    expect(topology.experts).toBe(4);
    expect(topology.routers.map(({ router, layer }) => [router, layer])).toEqual(
      [0, 1, 2, 3].map((layer) => [`model.layers.${layer}.self_attn.router`, layer]),
    );
    expect(topology.distances[0]![1]).toBeGreaterThan(1e-4);
    expect(topology.agreement!.reference).toEqual(["zone 0", "zone 1", "zone 0", "zone 1", "zone 0"]);
    expect(new Set(topology.agreement!.clusters).size).toBe(2);
    expect(topology.mantel!.questions).toBe(3);
    expect(Object.keys(topology.mutualInformation)).toEqual(["country", "religion"]);
    const refused = await cuma(route(...everything(), "--out", out));
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("--overwrite");
    expect(JSON.parse(readFileSync(out, "utf8"))).toEqual({ config, ...written });
    expect(await cuma(route(...everything(), "--out", out, "--overwrite"))).toMatchObject({ code: 0 });
  });

  test("the Mantel r is that of the answers' distances", async () => {
    const { topology } = await routed(...everything());
    const pairs = [0, 1, 2, 3].flatMap((a) => [0, 1, 2, 3].filter((b) => b > a).map((b) => [a, b] as const));
    const routing = pairs.map(([a, b]) => topology.distances[a]![b]!);
    // Two ordered levels of targets, and one sure level of three.
    const truth = pairs.map(([a, b]) => {
      const sum = Math.abs(a - b) / 4 + Math.abs((a % 3) - (b % 3)) / 2;
      return a === 0 && b === 1 ? (sum + 1) / 3 : sum / 2;
    });
    const centred = (x: readonly number[]) => x.map((v) => v - x.reduce((p, q) => p + q, 0) / x.length);
    const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
    const [x, y] = [centred(routing), centred(truth)];
    expect(topology.mantel!.r).toBeCloseTo(dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y)), 9);
  });

  test("usage is the mean of what the library routes, by weight", async () => {
    const texts = file("texts.txt", "Tea or coffee?\n\nWho decides?\n");
    const weighted = file(
      "weighted.csv",
      "country,religion,weight\nBelmora,Old Tide,1\nBelmora,,1\nCassidia,Wayfarer,2\nBelmora,Old Tide,2\n",
    );
    const { topology, samples, exclusions } = await routed("--profiles", weighted, "--texts", texts);
    expect(samples).toEqual({ rows: 4, profiles: 3, texts: 2, groups: 2 });
    expect(exclusions).toEqual({ "profiles without religion, in its mutual information": 1 });
    const model = await loadCuma({ base: "demo", adapter });
    const expected = new Array<number>(4).fill(0);
    for (const text of ["Tea or coffee?", "Who decides?"]) {
      for (const [profile, weight] of [
        [{ country: "Belmora", religion: "Old Tide" }, 3 / 8],
        [{ country: "Belmora" }, 1 / 8],
      ] as const) {
        const [first] = await model.route({ profile, text });
        for (const [e, gate] of first!.gates.entries()) expected[e]! += weight * gate;
      }
    }
    await model.dispose();
    for (const [e, share] of topology.routers[0]!.usage[0]!.entries()) expect(share).toBeCloseTo(expected[e]!, 6);
  });
});

test("prints each group's own numbers, in the order of the tree", async () => {
  const rows = [...profiles.slice(0, 2), profiles[3]!, profiles[8]!, profiles[6]!];
  const path = file("unequal.csv", csv([["country", "religion"], ...rows.map((p) => [p.country, p.religion])]));
  const { topology } = await routed("--profiles", path);
  const { stdout } = await cuma(route("--profiles", path, "--permutations", "19"));
  const [, printed] = /^group .*\n([\s\S]*?)\n\n/m.exec(stdout)!;
  expect(printed!.split("\n").map((line) => line.split(/ +/))).toEqual(
    topology.clustering.order.map((g) => [
      topology.groups[g]!.name,
      String(topology.groups[g]!.profiles),
      ...topology.usage[g]!.map((share) => share.toFixed(3)),
    ]),
  );
  expect(topology.clustering.order).not.toEqual([0, 1, 2, 3]);
  expect(topology.groups.map((group) => group.profiles)).toEqual([2, 1, 1, 1]);
});

test("questions are drawn from the split by the seed, and so are relabellings", async () => {
  const asked = (...more: string[]) => routed("--profiles", goodProfiles, "--data", data, "--limit", "2", ...more);
  const [one, other] = await Promise.all([asked("--seed", "1"), asked("--seed", "3", "--split", "valid")]);
  expect(one.identity["texts"]).toHaveLength(2);
  expect(one.identity["texts"]).not.toEqual(other.identity["texts"]);
  expect(Object.keys(other.identity["dataFiles"] as object)).toContain("valid/valid_value_qa.tsv");
  const of = (seed: string) => routed("--profiles", goodProfiles, "--permutations", "999", "--seed", seed);
  const [first, again] = await Promise.all([of("1"), of("2")]);
  const ps = ({ topology }: RouteResults): number[] => Object.values(topology.mutualInformation).map(({ p }) => p);
  expect(again.topology.distances).toEqual(first.topology.distances);
  expect(ps(again)).not.toEqual(ps(first));
});

describe("profiles", () => {
  test("of every format are the same", async () => {
    const columns = Object.fromEntries(
      (["country", "religion"] as const).map((name) => [name, profiles.map((profile) => profile[name])]),
    );
    const paths = ["profiles.parquet", "profiles.arrow"].map((name) => join(root, name));
    for (const path of paths) writeColumnar(path, tableFromArrays(columns));
    const tsv = csv([["country", "religion"], ...profiles.map((p) => [p.country, p.religion])]).replaceAll(",", "\t");
    paths.push(file("profiles.tsv", tsv));
    paths.push(file("profiles.jsonl", profiles.map((profile) => `${JSON.stringify(profile)}\n`).join("")));
    // The columns beside those that the model is told do not multiply profiles.
    const rows = [...profiles, ...profiles.slice(0, 3)].map((profile, i) => ({
      profile: { ...profile, age: String(i) },
    }));
    for (const name of ["predictions.parquet", "predictions.csv", "predictions.jsonl"]) {
      paths.push(join(root, name));
      writePredictions(paths.at(-1)!, tableOf(rows), { benchmark: "none" });
    }
    const { topology } = await routed("--profiles", goodProfiles, "--permutations", "3");
    const others = await Promise.all(paths.map((path) => routed("--profiles", path, "--permutations", "3")));
    for (const [i, other] of others.entries()) expect(other.topology, paths[i]).toEqual(topology);
  });

  test("make groups of several attributes, and without one of them none", async () => {
    const path = file(
      "some.jsonl",
      '{"country":"A","religion":"x"}\n{"country":"A","religion":"y"}\n{"country":null}\n',
    );
    const { topology, exclusions } = await routed("--profiles", path, "--by", "country,religion");
    expect(topology.groups).toEqual([
      { name: "A / x", profiles: 1 },
      { name: "A / y", profiles: 1 },
    ]);
    expect(exclusions).toEqual({ "rows without country or religion": 1 });
  });
});

describe.concurrent("is refused", () => {
  const cases: Record<string, [args: () => string[], code: number, says: RegExp]> = {
    "an adapter without routers": [
      () => ["route", "--base", "demo", "--adapter", lora, "--profiles", goodProfiles],
      1,
      /lora: the adapter \(lora\) has no routers/,
    ],
    "no adapter": [() => ["route", "--base", "demo", "--profiles", goodProfiles], 2, /expected --adapter/],
    "texts and data": [() => route("--profiles", goodProfiles, "--texts", "x", "--data", data), 2, /--texts/],
    "a limit without data": [() => route("--profiles", goodProfiles, "--limit", "2"), 2, /--limit .*expected --data/],
    "another extension": [() => route("--profiles", file("p.xls", "x")), 1, /p\.xls: unknown file extension ".xls"/],
    "no file": [
      () => route("--profiles", join(root, "none.csv")),
      1,
      /none\.csv: cannot be read: there is no such file/,
    ],
    "no rows": [() => route("--profiles", file("none.tsv", "country\n")), 1, /none\.tsv: expected profiles/],
    "one group": [
      () => route("--profiles", file("one.csv", "country\nA\nA\n")),
      1,
      /expected 2 to 1,000 groups, found 1/,
    ],
    "a bad weight": [
      () => route("--profiles", file("weight.csv", "country,weight\nA,1\nB,0\n")),
      1,
      /weight\.csv: row 2: weight: expected a finite number above 0, found 0/,
    ],
    "a list for a text": [
      () => route("--profiles", file("list.jsonl", '{"country":"A"}\n{"country":[7]}\n')),
      1,
      /list\.jsonl: row 2: country: expected a text or null, found \[7\]/,
    ],
    "an unknown attribute": [
      () => route("--profiles", goodProfiles, "--by", "contry"),
      1,
      /by: unknown attribute "contry".*did you mean "country"/,
    ],
    "no attribute that the model is told": [
      () => route("--profiles", file("other.csv", "hair\nred\nblack\n")),
      1,
      /expected a column for an attribute that the model is told \(country, religion\); found hair/,
    ],
    "a group without a label": [
      () => route("--profiles", goodProfiles, "--reference", file("short.csv", "country,zone\nBelmora,x\n")),
      1,
      /short\.csv: expected a label for each group; found none for Arvenland, Cassidia/,
    ],
    "a reference with other columns": [
      () => route("--profiles", goodProfiles, "--reference", file("wide.csv", "country,a,b\nBelmora,x,y\n")),
      1,
      /wide\.csv: header: expected one column beside country, the label; found a, b/,
    ],
    "a label of its own for each group": [
      () => {
        const zones = Object.fromEntries(COUNTRIES.map((country) => [country, `of ${country}`]));
        return route("--profiles", goodProfiles, "--reference", file("own.json", JSON.stringify(zones)));
      },
      1,
      /own\.json: expected 2 labels or more, and fewer than the 5 groups.*found 5/,
    ],
    "a label twice": [
      () => route("--profiles", goodProfiles, "--reference", file("twice.csv", "country,z\nBelmora,x\nBelmora,y\n")),
      1,
      /twice\.csv: row 2: expected each group once, found "Belmora" again/,
    ],
    "a reference that is no object of texts": [
      () => route("--profiles", goodProfiles, "--reference", file("zones.json", '{"Belmora": 3}')),
      1,
      /zones\.json: "Belmora": expected string; found 3/,
    ],
    "a text that is too long": [
      () => route("--profiles", goodProfiles, "--texts", file("long.txt", `short\n${"word ".repeat(5000)}\n`)),
      1,
      /long\.txt: line 2: the text has \d+ tokens/,
    ],
    "answers of too few groups": [
      () => {
        const path = join(root, "few.jsonl");
        writePredictions(path, tableOf([{ profile: { country: "Belmora" } }]));
        return route("--profiles", goodProfiles, "--answers", path);
      },
      1,
      /few\.jsonl: expected answers of 3 groups or more, found those of 1/,
    ],
    "answers to different questions": [
      () => {
        const path = join(root, "apart.jsonl");
        const rows = COUNTRIES.map((country, c) => ({ questionId: `Q${c}`, profile: { country } }));
        writePredictions(path, tableOf(rows));
        return route("--profiles", goodProfiles, "--answers", path);
      },
      1,
      /apart\.jsonl: expected a question that both Arvenland and Belmora answered/,
    ],
  };
  test.each(Object.entries(cases))("%s", async (title, [args, code, says]) => {
    const out = join(root, "refused", title, "route.json");
    const run = await cuma([...args(), "--out", out]);
    expect(run).toMatchObject({ code, stdout: "" });
    expect(run.stderr).toMatch(says);
    expect(run.stderr).not.toMatch(/^ +at |undefined|\[object/m);
    expect(existsSync(out)).toBe(false);
  });
});

test("stops at SIGINT and writes nothing", async () => {
  const out = join(root, "interrupted.json");
  const texts = file("many.txt", "Tea or coffee?\n".repeat(5000));
  const child = startCuma(route("--profiles", goodProfiles, "--texts", texts, "--out", out));
  const ended = new Promise((resolve) => {
    child.on("exit", (_, signal) => {
      resolve(signal);
    });
  });
  let stderr = "";
  await new Promise<void>((resolve) => {
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      if (stderr.includes("routing ")) resolve();
    });
  });
  child.kill("SIGINT");
  expect(await ended).toBe("SIGINT");
  expect(existsSync(out)).toBe(false);
});
