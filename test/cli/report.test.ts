import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inflateSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { loadWorldValuesBench } from "../../datasets/index.ts";
import { compare } from "../../eval/predictions/compare.ts";
import { evaluate, readPredictions, writePredictions, type MetricResult } from "../../src/index.ts";
import { chromium, runChromium } from "../support/chromium.ts";
import { cuma } from "../support/cli.ts";
import { all, elements, parseHtml, type Element } from "../support/html.ts";
import { temporaryFolder } from "../support/folder.ts";

const root = temporaryFolder("report");
let base: string;
let adapted: string;

/** An evaluation of the demo base, one of an adapter of a few steps, and where the adapter's routers send people. */
beforeAll(async () => {
  const data = join(root, "data");
  const adapter = join(root, "adapter");
  base = join(root, "base");
  adapted = join(root, "adapted");
  const run = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await cuma(args);
    expect(code, stderr).toBe(0);
  };
  await run("data", "planted", "--out", data, "--seed", "2", "--participants", "200", "--questions", "8");
  await run(
    ...["train", "--base", "demo", "--data", data, "--out", adapter, "--limit", "64"],
    ...["--set", "train.maxSteps=4", "--set", "train.lr=1e-2"],
  );
  const evaluation = ["eval", "--base", "demo", "--data", data, "--resamples", "40", "--by", "religion"];
  await run(...evaluation, "--out", base);
  await run(...evaluation, "--out", adapted, "--adapter", adapter);
  await run(
    ...["route", "--base", "demo", "--adapter", adapter, "--by", "religion", "--permutations", "19"],
    ...["--profiles", join(adapted, "predictions.parquet"), "--out", join(root, "route.json")],
  );
}, 300_000);

const page = (name: string): Element => parseHtml(readFileSync(join(root, name), "utf8"));
const section = (of: Element, id: string): Element =>
  all(of, "section").find(({ attributes }) => attributes["aria-labelledby"] === id)!;
const fixed = (value: number): string => (Number.isNaN(value) ? "n/a" : value.toFixed(4).replace(/^-(0\.0000)$/, "$1"));

interface Results {
  readonly config: { readonly permutations: number };
  readonly identity: {
    readonly base: string;
    readonly adapter: string;
    readonly dataFiles: Readonly<Record<string, string>>;
  };
  readonly gitHash: string | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, MetricResult>>;
}
const resultsOf = (folder: string): Results =>
  JSON.parse(readFileSync(join(folder, "results.json"), "utf8")) as Results;

/** Cells of the rows of a section's tables, without the head, by the name that a row begins with. */
function rowsOf(of: Element): Map<string, string[]> {
  const rows = all(of, "tr").filter(({ children }) => children[0]!.attributes["scope"] === "row");
  return new Map(
    rows.map(({ children }) => [all(children[0]!, "bdi")[0]!.text, children.slice(1).map(({ text }) => text.trim())]),
  );
}

test("shows what evaluate and compare give", async () => {
  const made = await cuma([
    ...["report", base, adapted, "--out", join(root, "new", "report.html"), "--resamples", "60", "--seed", "3"],
    ...["--title", "Base & adapter", "--routing", join(root, "route.json")],
  ]);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  expect(made.stdout).toMatch(/^report: .*report\.html \([\d.]+ kB\)\n$/);
  const report = page(join("new", "report.html"));
  expect(all(report, "h1")[0]!.text).toBe("Base & adapter");
  const tables = await Promise.all(
    [base, adapted].map(async (folder) => (await readPredictions(join(folder, "predictions.parquet"))).table),
  );
  const { config } = resultsOf(base);
  const options = { by: ["religion"], resamples: 60, seed: 3 };
  const results = tables.map((table): Record<string, MetricResult> =>
    evaluate(table, { ...options, permutations: config.permutations }),
  );
  const rows = rowsOf(section(report, "metrics"));
  expect([...rows.keys()].sort()).toEqual(Object.keys(results[0]!).sort());
  for (const [name, cells] of rows) {
    for (const [i, cell] of cells.entries()) {
      const { value, low, high, n, excluded } = results[i]![name]!;
      const interval = Number.isNaN(low) ? "n/a" : `[${fixed(low)}, ${fixed(high)}]`;
      const left = Object.keys(excluded).length > 0 ? ", some left out" : "";
      expect(cell.replace(/\s+/g, ""), name).toBe(`${fixed(value)}${interval}n${n}${left}`.replace(/\s+/g, ""));
    }
  }
  const differences = compare(tables[0]!, tables[1]!, options);
  for (const [name, [a, b, difference, p]] of rowsOf(section(report, "tests"))) {
    const found = differences[name as keyof typeof differences];
    expect([a, b], name).toEqual([fixed(found.a), fixed(found.b)]);
    expect(difference!.startsWith(fixed(found.difference)), name).toBe(true);
    expect(p, name).toBe(Number.isNaN(found.p) ? "n/a" : found.p < 0.001 ? "< 0.001" : found.p.toFixed(3));
  }
  expect(rowsOf(section(report, "tests")).size).toBe(Object.keys(differences).length);
  // One column of people and one for each run, for all groups of each question.
  const questions = all(section(report, "distributions"), "details");
  expect(questions).toHaveLength(tables[0]!.questions.length);
  for (const question of questions) expect(all(question, "svg")).toHaveLength(3);
  const asked = (await loadWorldValuesBench(join(root, "data"), "test")).questions.map(({ question }) => question);
  for (const text of asked) expect(section(report, "distributions").text).toContain(text);
  const groups = all(questions[0]!, "ol")[0]!.children.map(({ text }) => text);
  expect(groups).toEqual([...tables[0]!.attributes.get("religion")!.values].sort());
  expect(section(report, "training").text).toContain("4 steps");
  expect(all(section(report, "routing"), "svg").length).toBeGreaterThan(2);
  const facts = section(report, "provenance").text;
  const { identity } = resultsOf(adapted);
  for (const hash of [identity.base, identity.adapter, ...Object.values(identity.dataFiles)]) {
    expect(facts).toContain(hash);
  }
  expect(facts).toMatch(/config\.model\.base\s*demo/);
});

test("needs no network and no scripts, and is the same again", async () => {
  const args = ["report", base, adapted, "--out", join(root, "first.html")];
  expect(await cuma(args)).toMatchObject({ code: 0 });
  const first = readFileSync(join(root, "first.html"), "utf8");
  const report = parseHtml(first);
  const policy = all(report, "meta").find(({ attributes }) => attributes["http-equiv"] === "Content-Security-Policy");
  expect(policy!.attributes["content"]).toBe("default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  expect(first).not.toMatch(/<script|@import|javascript:/i);
  expect(first.replaceAll('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/https?:\/\//);
  for (const { attributes } of elements(report)) {
    expect(attributes["src"]).toBeUndefined();
    if (attributes["href"] !== undefined) expect(attributes["href"]).toMatch(/^#/);
  }
  const ids = new Set([...elements(report)].map(({ attributes }) => attributes["id"]));
  for (const { attributes } of all(report, "a")) expect(ids.has(attributes["href"]!.slice(1))).toBe(true);

  const refused = await cuma(args);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain("first.html: there is such a file already; give --overwrite");
  expect(await cuma([...args, "--overwrite"])).toMatchObject({ code: 0 });
  expect(readFileSync(join(root, "first.html"), "utf8")).toBe(first);
  // Intervals of the results themselves.
  const { low, high } = resultsOf(base).metrics["groupEmd"]!;
  expect(rowsOf(section(report, "metrics")).get("groupEmd")![0]).toContain(`[${fixed(low)}, ${fixed(high)}]`);
});

test("resamples and seed of tests are those of the evaluation unless others are asked for", async () => {
  const seeded = join(root, "seeded");
  cpSync(base, seeded, { recursive: true });
  const results = resultsOf(base);
  writeFileSync(join(seeded, "results.json"), JSON.stringify({ ...results, config: { ...results.config, seed: 5 } }));
  const [a, b] = await Promise.all(
    [base, adapted].map(async (folder) => (await readPredictions(join(folder, "predictions.parquet"))).table),
  );
  const cases = [
    { more: [], options: { resamples: 40, seed: 5 } },
    { more: ["--resamples", "30", "--seed", "1"], options: { resamples: 30, seed: 1 } },
  ];
  for (const { more, options } of cases) {
    const { stdout, stderr } = await cuma(["report", seeded, adapted, "--format", "json", ...more]);
    const { records } = JSON.parse(stdout) as { records: Record<string, unknown>[] };
    const { difference, low, high, p } = compare(a!, b!, { by: ["religion"], ...options }).nll;
    const found = records.find(({ table, metric }) => table === "differences" && metric === "nll");
    expect(found, stderr).toMatchObject({ value: difference, low, high, p });
  }
});

test("JSON says what its numbers come from", async () => {
  const { stdout, stderr } = await cuma(["report", adapted, "--format", "json", "--routing", join(root, "route.json")]);
  const { runs, facts, records } = JSON.parse(stdout) as {
    runs: { facts: Record<string, string> }[];
    facts: Record<string, string>;
    records: Record<string, unknown>[];
  };
  const { identity, gitHash, versions } = resultsOf(adapted);
  expect(runs[0]!.facts, stderr).toMatchObject({
    "config.model.base": "demo",
    "config.resamples": "40",
    seed: "0",
    "version.cuma": versions["cuma"],
    ...(gitHash !== null && { "git hash": gitHash }),
    "SHA-256.base": identity.base,
    "SHA-256.adapter": identity.adapter,
  });
  expect(facts[`SHA-256 of ${join(root, "route.json")}`]).toMatch(/^[0-9a-f]{64}$/);
  const tables = new Set(records.map(({ table }) => table));
  expect([...tables]).toEqual(["metrics", "routing", "training"]);
});

test("takes dispersionP from the results", async () => {
  const folder = join(root, "permuted");
  cpSync(base, folder, { recursive: true });
  const results = resultsOf(base);
  const dispersionP = { value: 0.0123, low: null, high: null, n: 240, excluded: {} };
  writeFileSync(
    join(folder, "results.json"),
    JSON.stringify({ ...results, metrics: { ...results.metrics, dispersionP } }),
  );
  expect(await cuma(["report", folder, "--out", join(root, "permuted.html")])).toMatchObject({ code: 0 });
  const report = page("permuted.html");
  expect(rowsOf(section(report, "metrics")).get("dispersionP")![0]).toMatch(/^0\.0123/);
  expect(section(report, "collapse").text).toMatch(/dispersionP\s+0\.012/);
});

test("reports on predictions alone, in every format", async () => {
  const { table, metadata } = await readPredictions(join(base, "predictions.parquet"));
  const names = ["p.jsonl", "p.csv", "p.tsv", "p.arrow"];
  for (const name of names) writePredictions(join(root, name), table, metadata);
  const { accuracy } = evaluate(table, { by: ["country"], resamples: 10, seed: 0 });
  const records = await Promise.all(
    names.map(async (name) => {
      const run = await cuma(["report", join(root, name), "--format", "json", "--resamples", "10"]);
      expect(run, run.stderr).toMatchObject({ code: 0 });
      return (JSON.parse(run.stdout) as { records: Record<string, unknown>[] }).records[0];
    }),
  );
  for (const record of records) {
    const { value, low, high, n } = accuracy;
    expect(record).toMatchObject({ table: "metrics", metric: "accuracy", value, low, high, n, better: "higher" });
  }
  const markdown = await cuma(["report", join(root, "p.csv"), "--format", "md", "--resamples", "0"]);
  expect(markdown.stdout).toContain(`| accuracy | 1 | higher | ${fixed(accuracy.value)} n/a, n 240 |`);
});

test("resamples, seed and groups are those asked for, or else those of the evaluations, which must agree", async () => {
  const { table } = await readPredictions(join(base, "predictions.parquet"));
  const records = async (results: readonly string[], ...more: string[]): Promise<Record<string, unknown>[]> => {
    const run = await cuma(["report", ...results, "--format", "json", ...more]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    return (JSON.parse(run.stdout) as { records: Record<string, unknown>[] }).records;
  };
  for (const [more, options] of [
    [["--seed", "3"], { by: ["religion"], resamples: 40, seed: 3 }],
    [["--resamples", "60"], { by: ["religion"], resamples: 60, seed: 0 }],
    [["--by", "country"], { by: ["country"], resamples: 40, seed: 0 }],
  ] as const) {
    const { value, low, high } = evaluate(table, { ...options, by: [...options.by] }).groupEmd;
    const found = (await records([base], ...more)).find(({ metric }) => metric === "groupEmd");
    expect(found, more.join(" ")).toMatchObject({ value, low, high });
  }
  expect(await cuma(["report", base, "--by", "country", "--out", join(root, "by.html")])).toMatchObject({ code: 0 });
  const page_ = page("by.html");
  expect(all(page_, "p").filter(({ attributes }) => attributes["class"] === "note")).toEqual([]);
  const copies = ["one", "two", "three"].map((name) => join(root, `copy-${name}`));
  for (const copy of copies) cpSync(base, copy, { recursive: true });
  const pairs = async (results: readonly string[]): Promise<number> =>
    (await records(results, "--resamples", "0")).filter(
      ({ table: of, metric }) => of === "differences" && metric === "nll",
    ).length;
  expect(await pairs([base, ...copies.slice(0, 2)])).toBe(3);
  expect(await pairs([base, adapted, ...copies])).toBe(4);
  const path = join(copies[0]!, "results.json");
  const results = JSON.parse(readFileSync(path, "utf8")) as { config: Record<string, unknown> };
  writeFileSync(path, JSON.stringify({ ...results, config: { ...results.config, by: ["country"] } }));
  const refused = await cuma(["report", base, copies[0]!, "--format", "json"]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain(`grouped alike, found religion in ${base} and country in ${copies[0]!}; give --by`);
});

test("a long training log is shown as means over neighbours, with its warnings", async () => {
  const [adapter, folder] = [join(root, "long"), join(root, "long-test")];
  cpSync(join(root, "adapter"), adapter, { recursive: true });
  cpSync(adapted, folder, { recursive: true });
  const step = { epoch: 1, auxLoss: 0, lr: 0.01, gradNorm: 1, tokensPerSecond: 100 };
  const lines = Array.from({ length: 160 }, (_, i) => ({ step: i + 1, loss: i, ...step }));
  const log = [...lines, { step: 7, message: "Mind the gap." }].map((line) => `${JSON.stringify(line)}\n`);
  writeFileSync(join(adapter, "log.jsonl"), log.join(""));
  const path = join(folder, "results.json");
  const results = JSON.parse(readFileSync(path, "utf8")) as { config: { model: object } };
  const model = { ...results.config.model, adapter };
  writeFileSync(path, JSON.stringify({ ...results, config: { ...results.config, model } }));
  expect(await cuma(["report", folder, "--out", join(root, "long.html")])).toMatchObject({ code: 0 });
  const { text } = section(page("long.html"), "training");
  expect(text).toContain("from 0.5000 to 158.5000");
  expect(text).toMatch(/160 steps[\s\S]*warning at step 7: Mind the gap\./);
});

test("shows seen and held-out groups where the results have them", async () => {
  const folder = join(root, "subsets");
  cpSync(base, folder, { recursive: true });
  const path = join(folder, "results.json");
  const results = resultsOf(folder);
  const subset = (value: number) => ({
    samples: { examples: 12, participants: 3, questions: 4 },
    metrics: { nll: { ...results.metrics["nll"], value, n: 12 } },
  });
  writeFileSync(path, JSON.stringify({ ...results, subsets: { seen: subset(1.25), heldOut: subset(1.5) } }));
  expect(await cuma(["report", folder, "--out", join(root, "subsets.html")])).toMatchObject({ code: 0 });
  const [, ...rows] = all(section(page("subsets.html"), "held-out"), "tr");
  const cells = rows.map(({ children }) => children.map(({ text }) => text.trim().slice(0, 6)));
  expect(cells).toEqual([
    [expect.stringMatching(/^nll/), "seen", "1.2500"],
    ["held o", "1.5000"],
  ]);
});

test("tells where results and predictions, or adapter and evaluation, do not belong together", async () => {
  const folder = join(root, "mixed");
  mkdirSync(folder);
  copyFileSync(join(base, "predictions.parquet"), join(folder, "predictions.parquet"));
  const results = JSON.parse(readFileSync(join(adapted, "results.json"), "utf8")) as {
    config: { model: { adapter: string } };
    identity: { adapter: string };
  };
  results.identity.adapter = "0".repeat(64);
  writeFileSync(join(folder, "results.json"), JSON.stringify(results));
  expect(await cuma(["report", folder, "--out", join(root, "mixed.html")])).toMatchObject({ code: 0 });
  const report = page("mixed.html");
  const notes = all(report, "p").filter(({ attributes }) => attributes["class"] === "note");
  expect(notes.map(({ text }) => text)).toEqual([
    expect.stringMatching(/^The predictions give other numbers than the results beside them \(\w+: [\d.e-]+ from/),
    expect.stringContaining("holds another adapter than the one evaluated"),
  ]);
  expect(section(report, "training")).toBeUndefined();
  const { table } = await readPredictions(join(base, "predictions.parquet"));
  const { nll } = evaluate(table, { by: ["religion"], resamples: 0 });
  expect(rowsOf(section(report, "metrics")).get("nll")![0]).toContain(fixed(nll.value));
});

test("results that have no hash of their adapter show no log of the folder they name", async () => {
  const folder = join(root, "foreign");
  cpSync(adapted, folder, { recursive: true });
  const path = join(folder, "results.json");
  const results = JSON.parse(readFileSync(path, "utf8")) as { identity: { adapter?: string } };
  delete results.identity.adapter;
  writeFileSync(path, JSON.stringify(results));
  expect(await cuma(["report", folder, "--out", join(root, "foreign.html")])).toMatchObject({ code: 0 });
  const report = page("foreign.html");
  expect(report.text).toContain("The results do not have the SHA-256 of the adapter in");
  expect(section(report, "training")).toBeUndefined();
});

test("results of a published file have metrics and nothing else", async () => {
  const folder = join(root, "published");
  mkdirSync(folder);
  const results = JSON.parse(readFileSync(join(base, "results.json"), "utf8")) as object;
  writeFileSync(join(folder, "results.json"), JSON.stringify(results));
  expect(await cuma(["report", folder, base, "--out", join(root, "published.html")])).toMatchObject({ code: 0 });
  const report = page("published.html");
  expect(report.text).toContain("results without predictions");
  const rows = rowsOf(section(report, "metrics"));
  for (const [name, [published, whole]] of rows) expect(published, name).toBe(whole);
  expect(all(section(report, "collapse"), "svg")).toHaveLength(1);
});

test("says what is wrong with what it is given", async () => {
  const broken = join(root, "broken");
  mkdirSync(broken);
  const results = JSON.parse(readFileSync(join(base, "results.json"), "utf8")) as Record<string, unknown>;
  writeFileSync(join(broken, "results.json"), JSON.stringify({ ...results, metrics: { accuracy: { value: "high" } } }));
  const route = JSON.parse(readFileSync(join(root, "route.json"), "utf8")) as { topology: { usage: number[][] } };
  route.topology.usage[0]!.pop();
  writeFileSync(join(root, "short.json"), JSON.stringify(route));
  const out = ["--out", join(root, "never.html")];
  const cases: [string[], number, string][] = [
    [[base], 2, "expected --out <file> for the page"],
    [[base, base, ...out], 2, "is given twice"],
    [[base, ...out, "--format", "pdf"], 2, "Allowed choices are html, json, csv, md, latex"],
    [
      [base, "--overwrite", "--routing", join(root, "route.json"), "--out", join(root, "route.json")],
      2,
      "both read and written",
    ],
    [[join(root, "none"), ...out], 1, "none: cannot be read: there is no such file or folder"],
    [[join(root, "data"), ...out], 1, "data: expected results.json"],
    [[broken, ...out], 1, 'results.json: "metrics.accuracy.value": expected number; found "high"'],
    [
      [base, "--routing", join(root, "short.json"), ...out],
      1,
      'short.json: "topology.usage.0": expected 8 of them, found 7',
    ],
    [[base, "--by", "contry", ...out], 1, 'did you mean "country"?'],
  ];
  for (const [args, code, message] of cases) {
    const run = await cuma(["report", ...args]);
    expect(run, args.join(" ")).toMatchObject({ code, stdout: "" });
    expect(run.stderr).toContain(message);
  }
});

/** Colour of the upper left pixel: that of the first row's first pixel needs no other to be known. */
function corner(png: Buffer): number[] {
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString("latin1", at + 4, at + 8) === "IDAT")
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  return [...inflateSync(Buffer.concat(data)).subarray(1, 4)];
}

const skipped = chromium === undefined ? " (skipped: no chromium, chromium-browser or google-chrome on the PATH)" : "";

describe.skipIf(chromium === undefined)(`in a browser${skipped}`, () => {
  const url = (name: string): string => pathToFileURL(join(root, name)).href;
  const frame = (name: string, width: number, more = ""): string =>
    `<!doctype html><style>body{margin:0}iframe{border:0;width:${width}px;height:3000px}</style><iframe src="${url(name)}"></iframe>${more}`;

  beforeAll(async () => {
    const routing = ["--routing", join(root, "route.json")];
    expect(await cuma(["report", base, adapted, ...routing, "--out", join(root, "shown.html")])).toMatchObject({
      code: 0,
    });
    // A copy that opens all its details and tells how wide it is and what it has loaded.
    const text = readFileSync(join(root, "shown.html"), "utf8");
    writeFileSync(
      join(root, "measured.html"),
      text
        .replace(/<meta\s+http-equiv="Content-Security-Policy"[^>]*>/, "")
        .replaceAll("<details", "<details open")
        .replace(
          "</body>",
          `<script>parent.postMessage(JSON.stringify([innerWidth, document.documentElement.scrollWidth, performance.getEntriesByType("resource").length]), "*")</script></body>`,
        ),
    );
  });

  test.each([360, 1280])("fits a window %i wide", async (width) => {
    writeFileSync(
      join(root, `frame-${width}.html`),
      frame(
        "measured.html",
        width,
        `<script>addEventListener("message", ({ data }) => (document.title = data))</script>`,
      ),
    );
    const dom = await runChromium(["--virtual-time-budget=8000", "--dump-dom", url(`frame-${width}.html`)]);
    const [, measured] = /<title>(.*?)<\/title>/.exec(dom)!;
    const [inner, scroll, resources] = JSON.parse(measured!) as number[];
    expect(inner).toBe(width);
    expect(scroll).toBe(width);
    expect(resources).toBe(0);
  });

  test("prints what is in closed details", async () => {
    const text = readFileSync(join(root, "shown.html"), "utf8");
    const closed = text.replaceAll(/(<details[^>]*?)\s+open>/g, "$1>");
    writeFileSync(join(root, "closed.html"), closed);
    writeFileSync(join(root, "opened.html"), closed.replaceAll("<details", "<details open"));
    writeFileSync(join(root, "without.html"), closed.replaceAll(/<details[\s\S]*?<\/details>/g, ""));
    const printed = async (name: string): Promise<string> => {
      const pdf = join(root, `${name}.pdf`);
      await runChromium(["--no-pdf-header-footer", `--print-to-pdf=${pdf}`, url(`${name}.html`)]);
      return readFileSync(pdf, "latin1").replaceAll(/\/(CreationDate|ModDate) \(.*?\)/g, "");
    };
    const [ofClosed, ofOpened, ofNone] = [await printed("closed"), await printed("opened"), await printed("without")];
    const pages = (pdf: string): number => pdf.match(/\/Type \/Page\b/g)!.length;
    expect(pages(ofClosed)).toBeGreaterThan(pages(ofNone) + 4);
    expect(ofClosed === ofOpened).toBe(true);
  });

  test.each([
    { scheme: "light", setting: 1, background: [0xff, 0xff, 0xff] },
    { scheme: "dark", setting: 0, background: [0x0f, 0x14, 0x19] },
  ])("follows the $scheme scheme", async ({ scheme, setting, background }) => {
    for (const width of [360, 1280]) {
      const name = join(root, `${scheme}-${width}.png`);
      writeFileSync(join(root, `${scheme}-${width}.html`), frame("shown.html", width));
      await runChromium([
        ...[`--blink-settings=preferredColorScheme=${setting}`, `--window-size=${width},3000`],
        ...[`--screenshot=${name}`, url(`${scheme}-${width}.html`)],
      ]);
      expect(corner(readFileSync(name))).toEqual(background);
    }
  });
});
