import { describe, expect, test } from "vitest";
import { compare, compareAccuracy } from "../../eval/predictions/compare.ts";
import { evaluate } from "../../eval/predictions/evaluate.ts";
import { detailsOf, reportPage, reportTables, type Report, type ReportRun } from "../../eval/report/index.ts";
import { type PredictionRow, type PredictionTable } from "../../eval/predictions/predictionTable.ts";
import { PredictionTableBuilder } from "../../eval/predictions/predictionTableBuilder.ts";
import type { Topology } from "../../router/index.ts";
import { Rng } from "../../src/core/util/index.ts";
import { all, elements, parseHtml, type Element } from "../support/html.ts";

const COUNTRIES = ["Japan", "Kenya", "Norway"];

/** Answers of people to ordered and nominal questions, and noisy predictions. */
function planted(size: { groups: readonly string[]; questions: number; people: number }, seed = 0): PredictionTable {
  const rng = new Rng(seed, "report test");
  const builder = new PredictionTableBuilder();
  for (const [g, country] of size.groups.entries()) {
    for (let person = 0; person < size.people; person++) {
      for (let q = 0; q < size.questions; q++) {
        const options = 2 + (q % 4);
        const parts = Array.from({ length: options }, () => 0.1 + rng.uniform());
        const total = parts.reduce((sum, part) => sum + part, 0);
        builder.add({
          exampleId: `${g}-${person}-${q}`,
          questionId: `Q${q}`,
          participantId: `${g}-${person}`,
          profile: { country },
          options: Array.from({ length: options }, (_, k) => `option ${k}`),
          ordered: q % 3 !== 2,
          answer: rng.uniform() < 0.6 ? g % options : rng.below(options),
          target: null,
          probabilities: parts.map((part) => part / total),
          weight: 1,
        });
      }
    }
  }
  return builder.build();
}

function runOf(name: string, table: PredictionTable, changes: Partial<ReportRun> = {}): ReportRun {
  return {
    name,
    source: `runs/${name}`,
    metrics: evaluate(table, { by: ["country"], resamples: 20 }),
    details: detailsOf(table, ["country"]),
    subsets: [],
    training: null,
    facts: [],
    notes: [],
    ...changes,
  };
}

function reportOf(runs: readonly ReportRun[], changes: Partial<Report> = {}): Report {
  return {
    title: "A report",
    by: ["country"],
    runs,
    comparisons: [],
    notCompared: [],
    routings: [],
    facts: [],
    ...changes,
  };
}

const tableA = planted({ groups: COUNTRIES, questions: 7, people: 12 });
const tableB = planted({ groups: COUNTRIES, questions: 7, people: 12 }, 1);
/** Predictions of B for the people of A. */
const other = new PredictionTableBuilder();
for (let i = 0; i < tableA.rows; i++) other.add({ ...tableA.row(i), probabilities: tableB.row(i).probabilities });
const tableC = other.build();

const section = (page: Element, id: string): Element =>
  all(page, "section").find(({ attributes }) => attributes["aria-labelledby"] === id)!;

describe("what figures are drawn from agrees with the metrics", () => {
  const details = detailsOf(tableA, ["country"]);
  const metrics = evaluate(tableA, { by: ["country"], resamples: 0 });

  test("dispersions by question sum to MCI, rho and beta", () => {
    const sum = (key: keyof (typeof details.questions)[number]["dispersion"]): number =>
      details.questions.reduce((total, { dispersion }) => total + dispersion[key], 0);
    const R = Math.sqrt(sum("predicted") / sum("true"));
    const rho = sum("cross") / Math.sqrt(sum("predicted") * sum("true"));
    expect(1 - R).toBeCloseTo(metrics.mci.value, 12);
    expect(rho).toBeCloseTo(metrics.rho.value, 12);
    expect(rho * R).toBeCloseTo(metrics.beta.value, 12);
  });

  test("bins of the reliability diagram give ECE", () => {
    const bins = details.reliability;
    expect(bins).toHaveLength(15);
    const weight = bins.reduce((sum, bin) => sum + bin.weight, 0);
    expect(weight).toBe(tableA.rows);
    const ece = bins.reduce((sum, bin) => sum + (bin.weight / weight) * Math.abs(bin.accuracy - bin.confidence), 0);
    expect(ece).toBeCloseTo(metrics.ece.value, 12);
  });

  test("distances of groups give the group EMD, and distributions are those of the rows", () => {
    const distances = details.questions.flatMap(({ groups }) => groups.map(({ emd }) => emd));
    expect(distances).toHaveLength(3 * 7);
    expect(distances.reduce((a, b) => a + b, 0) / 21).toBeCloseTo(metrics.groupEmd.value, 12);
    const kenya = details.questions[4]!.groups.find(({ group }) => group === "Kenya")!;
    const rows = Array.from({ length: tableA.rows }, (_, i) => tableA.row(i)).filter(
      ({ questionId, profile }) => questionId === "Q4" && profile["country"] === "Kenya",
    );
    expect(kenya.n).toBe(12);
    for (const k of [0, 1]) {
      expect(kenya.truth[k]).toBeCloseTo(rows.filter(({ answer }) => answer === k).length / 12, 12);
      expect(kenya.predicted[k]).toBeCloseTo(rows.reduce((sum, row) => sum + row.probabilities[k]!, 0) / 12, 12);
    }
  });

  test("groups of several attributes are named by their values", () => {
    const builder = new PredictionTableBuilder();
    for (let i = 0; i < 4; i++) {
      builder.add({
        ...tableA.row(i),
        profile: { country: "Japan", religion: i % 2 ? "a" : "b" },
        questionId: "Q",
        options: ["x", "y"],
        probabilities: [0.5, 0.5],
        ordered: true,
        answer: 0,
      });
    }
    expect(detailsOf(builder.build(), ["country", "religion"]).questions[0]!.groups.map(({ group }) => group)).toEqual([
      "Japan, b",
      "Japan, a",
    ]);
  });

  test("a known distribution is said to be known", () => {
    const builder = new PredictionTableBuilder();
    for (let i = 0; i < 2; i++) {
      builder.add({
        ...tableA.row(0),
        exampleId: String(i),
        profile: { country: COUNTRIES[i]! },
        options: ["x", "y"],
        probabilities: [0.5, 0.5],
        target: [0.25, 0.75],
        answer: null,
      });
    }
    expect(detailsOf(builder.build(), ["country"]).questions[0]!.groups[0]).toMatchObject({
      n: Infinity,
      truth: [0.25, 0.75],
    });
  });
});

test("draws bars whose parts are the shares", async () => {
  const page = parseHtml(await reportPage(reportOf([runOf("a", tableA), runOf("c", tableC)])));
  const [question] = all(section(page, "distributions"), "details").filter(({ children }) =>
    children[0]!.text.startsWith("Q5"),
  );
  const bars = all(question!, "svg");
  // The people are the same for both runs: one column for them, one for each run.
  expect(bars).toHaveLength(3);
  const groups = detailsOf(tableC, ["country"]).questions[5]!.groups;
  const names = all(question!, "ol")[0]!.children.map((item) => item.text);
  expect(names).toEqual([...COUNTRIES].sort());
  const paths = all(bars[2]!, "path").map(({ attributes }) => attributes["d"]!);
  for (const [row, name] of names.entries()) {
    const { predicted } = groups.find(({ group }) => group === name)!;
    for (const [k, path] of paths.entries()) {
      const [, width] = new RegExp(`M\\d+ ${2 * row + 1}h(\\d+)`).exec(path)!;
      expect(Math.abs(Number(width) / 200 - predicted[k]!)).toBeLessThan(0.0051);
    }
  }
  const separate = parseHtml(await reportPage(reportOf([runOf("a", tableA), runOf("b", tableB)])));
  expect(all(all(section(separate, "distributions"), "details")[0]!, "svg")).toHaveLength(4);
});

test("tables of differences are those of compare", async () => {
  const metrics = compare(tableA, tableC, { by: ["country"], resamples: 50 });
  const mcnemar = compareAccuracy(tableA, tableC);
  const runs = [runOf("a", tableA), runOf("c", tableC)];
  const page = parseHtml(await reportPage(reportOf(runs, { comparisons: [{ a: "a", b: "c", metrics, mcnemar }] })));
  const rows = all(section(page, "tests"), "tr").slice(1);
  expect(rows).toHaveLength(Object.keys(metrics).length);
  const nll = rows.find(({ text }) => text.trim().startsWith("nll"))!.children.map(({ text }) => text.trim());
  const { a, b, difference, low, high, n } = metrics.nll;
  expect(nll[1]).toBe(a.toFixed(4));
  expect(nll[2]).toBe(b.toFixed(4));
  expect(nll[3]).toContain(difference.toFixed(4));
  expect(nll[3]).toContain(`[${low.toFixed(4)}, ${high.toFixed(4)}]`);
  expect(nll[6]).toBe(String(n));
  expect(section(page, "tests").text.replace(/\s+/g, " ")).toContain(
    `${mcnemar.onlyA} rows only A has right, ${mcnemar.onlyB} only B`,
  );
});

test("MCI is never shown without rho and beta", async () => {
  const { rho, ...without } = runOf("a", tableA).metrics;
  expect(rho).toBeDefined();
  const run = runOf("a", tableA, { metrics: without, subsets: [{ name: "seen", metrics: without }] });
  const text = await reportPage(reportOf([run]));
  const page = parseHtml(text);
  expect(section(page, "collapse")).toBeUndefined();
  expect(
    all(page, "th")
      .map((head) => head.text.trim())
      .filter((head) => head.startsWith("mci")),
  ).toEqual([]);
  expect(reportTables(reportOf([run]), "csv")).not.toContain("mci");
  const whole = parseHtml(await reportPage(reportOf([runOf("a", tableA)])));
  expect(section(whole, "collapse").text).toMatch(/MCI[\s\S]*rho[\s\S]*beta/);
});

test("dispersionP stands with MCI, rho and beta, where it is known", async () => {
  const run = runOf("a", tableA, {
    metrics: evaluate(tableA, { by: ["country"], resamples: 20, permutations: 99 }),
  });
  const { value } = run.metrics["dispersionP"]!;
  const page = parseHtml(await reportPage(reportOf([run, runOf("c", tableC)])));
  const [known, unknown] = all(section(page, "collapse"), "figure");
  expect(known!.text.replace(/\s+/g, " ")).toMatch(new RegExp(`beta .* dispersionP ${value.toFixed(3)}`));
  expect(unknown!.text).not.toContain("dispersionP");
  const rows = all(section(page, "metrics"), "tr").map(({ children }) => children.map(({ text }) => text.trim()));
  const at = rows.findIndex(([head]) => head!.startsWith("dispersionP"));
  expect(rows[at - 1]![0]).toMatch(/^beta/);
  expect(rows[at]![0]).toContain("p of a label permutation");
  expect(rows[at]!.slice(1)).toEqual([expect.stringContaining(value.toFixed(4)), "n/a"]);
  expect(reportTables(reportOf([run]), "md")).toContain(
    `| dispersionP | 1 | neither | ${value.toFixed(4)} n/a, n 252 |`,
  );
});

const NASTY = [
  `<script>alert(1)</script>`,
  `"><img src=x onerror='alert(1)'>`,
  `]]>--></style></svg></title><b>`,
  "שלום עולם \u202e abc",
  "👩‍👩‍👧 emoji & é",
  "x".repeat(10_000),
  "line\none\u0000two",
  "${html} {{x}} javascript:alert(1)",
];

/** As much untrusted text as a report can hold. */
function nastyReport(): Report {
  const builder = new PredictionTableBuilder();
  for (const [i, word] of NASTY.entries()) {
    for (const [j, country] of NASTY.entries()) {
      builder.add({
        exampleId: `${i} ${j} ${word}`,
        questionId: word,
        participantId: `${j}`,
        profile: { country },
        options: NASTY,
        ordered: i % 2 === 0,
        answer: (i + j) % NASTY.length,
        target: null,
        probabilities: NASTY.map((_, k) => (k === j ? 0.3 : 0.1)),
        weight: 1,
      } satisfies PredictionRow);
    }
  }
  const table = builder.build();
  const facts = NASTY.map((word) => ({ name: word, value: word }));
  const runs = NASTY.map((word) =>
    runOf(word, table, {
      questions: Object.fromEntries(NASTY.map((id) => [id, `${word} ${id}`])),
      facts,
      notes: [word],
      subsets: [{ name: word, metrics: evaluate(table, { resamples: 0 }) }],
      metrics: {
        ...evaluate(table, { resamples: 0 }),
        [word]: { value: NaN, low: NaN, high: NaN, n: 1, excluded: { [word]: 2 } },
      },
      training: {
        folder: word,
        steps: 2,
        curves: {
          loss: [
            [1, 2],
            [2, 1],
          ],
          lr: [],
          effectiveExperts: [],
          profileDistance: [],
        },
        warnings: [{ step: 1, message: word }],
      },
    }),
  );
  const topology = {
    ...topologyOf(NASTY),
    mutualInformation: Object.fromEntries(NASTY.map((word) => [word, { value: 1, p: 0.5, normalised: NaN }])),
  };
  return reportOf(runs, {
    title: NASTY[0]!,
    by: NASTY,
    facts,
    routings: [{ name: NASTY[1]!, topology }],
    notCompared: [{ a: NASTY[0]!, b: NASTY[1]!, why: NASTY[2]! }],
  });
}

function topologyOf(names: readonly string[]): Topology {
  const G = names.length;
  const usage = names.map((_, g) => [g / G, 1 - g / G]);
  return {
    groups: names.map((name) => ({ name, profiles: 1 })),
    experts: 2,
    routers: [
      { router: names[0]!, layer: 1, usage },
      { router: names[1]!, layer: 0, usage },
    ],
    usage,
    distances: names.map((_, a) => names.map((__, b) => Math.abs(a - b) / G)),
    clustering: {
      merges: Array.from({ length: G - 1 }, (_, i) => ({
        left: i === 0 ? 0 : G + i - 1,
        right: i + 1,
        height: (i + 1) / G,
      })),
      order: names.map((_, g) => g),
    },
    embedding: names.map((_, g) => ({ x: g - (G - 1) / 2, y: 0 })),
    mutualInformation: { country: { value: 0.4, p: 0.001, normalised: 0.25 } },
    agreement: { adjustedRand: 0.5, p: 0.02, clusters: names.map((_, g) => g % 2), reference: names.map(() => "r") },
    mantel: { r: 0.3, p: 0.04, questions: 24 },
  };
}

/** Names of elements and attributes, and ids that are used more than once. */
function inventory(page: Element): { elements: Set<string>; attributes: Set<string>; repeated: string[] } {
  const found = [...elements(page)];
  const ids = found.flatMap(({ attributes }) => (attributes["id"] === undefined ? [] : [attributes["id"]]));
  return {
    elements: new Set(found.map(({ name }) => name)),
    attributes: new Set(found.flatMap(({ attributes }) => Object.keys(attributes))),
    repeated: ids.filter((id, i) => ids.indexOf(id) !== i),
  };
}

test("text from data becomes no markup, wherever it stands", async () => {
  const report = nastyReport();
  const text = await reportPage(report);
  const page = parseHtml(text);
  const found = inventory(page);
  const plain = inventory(
    parseHtml(
      await reportPage(
        reportOf(
          [
            runOf("a", tableA, {
              ...report.runs[0]!,
              name: "a",
              notes: ["note"],
              subsets: ["seen", "held out"].map((name) => ({ name, metrics: report.runs[0]!.metrics })),
              details: detailsOf(tableA, ["country"]),
              questions: Object.fromEntries(tableA.questions.map(({ id }) => [id, "Why?"])),
            }),
          ],
          { routings: [{ name: "r", topology: topologyOf(COUNTRIES) }], notCompared: [{ a: "a", b: "a", why: "why" }] },
        ),
      ),
    ),
  );
  expect([...found.elements].filter((name) => !plain.elements.has(name))).toEqual([]);
  expect([...found.attributes].filter((name) => !plain.attributes.has(name))).toEqual([]);
  expect(["script", "img", "iframe", "link"].filter((name) => found.elements.has(name))).toEqual([]);
  expect([...found.attributes].filter((name) => /^on|^src$|^xlink/.test(name))).toEqual([]);
  expect(found.repeated).toEqual([]);
  expect(page.text).toContain("<script>alert(1)</script>");
  expect(page.text).toContain("שלום עולם");
  expect(page.text).toContain("👩‍👩‍👧 emoji & é");
  expect(page.text).not.toContain("\u0000");
  expect(text.includes("x".repeat(1000))).toBe(false);
  for (const { attributes, name } of elements(page)) {
    for (const key of ["href", "src", "style", "clip-path", "fill", "stroke"]) {
      const value = attributes[key] ?? "";
      expect(value, `${name} ${key}`).not.toMatch(/https?:|javascript:|url\((?!#)/);
    }
    if (attributes["href"] !== undefined) expect(attributes["href"]).toMatch(/^#[a-z-]+$/);
  }
});

test("charts say what they show, and ids are the page's own", async () => {
  const report = reportOf([runOf("a", tableA), runOf("c", tableC)], {
    routings: [{ name: "route.json", topology: topologyOf(COUNTRIES) }],
  });
  const text = await reportPage(report);
  const page = parseHtml(text);
  expect(inventory(page).repeated).toEqual([]);
  const svgs = all(page, "svg");
  expect(svgs.length).toBeGreaterThan(20);
  const byId = new Map([...elements(page)].map((element) => [element.attributes["id"], element]));
  for (const svg of svgs) {
    expect(svg.attributes["role"]).toBe("img");
    expect(byId.get(svg.attributes["aria-labelledby"])!.text.length).toBeGreaterThan(4);
    expect(byId.get(svg.attributes["aria-describedby"])!.text).toMatch(/\d/);
  }
  const { mci, rho, beta } = report.runs[0]!.metrics as Record<string, { value: number }>;
  const said = byId.get("collapse-0-desc")!.text;
  for (const metric of [mci!, rho!, beta!]) expect(said).toContain(metric.value.toFixed(4));
  for (const { attributes } of elements(page)) {
    const [, id] = /url\(#(.*)\)/.exec(attributes["clip-path"] ?? "") ?? [];
    if (id !== undefined) expect(byId.has(id)).toBe(true);
  }
  expect(await reportPage(report)).toBe(text);
});

test("points of the collapse picture lie where the dispersions are", async () => {
  const run = runOf("a", tableA);
  const page = parseHtml(await reportPage(reportOf([run])));
  const svg = all(section(page, "collapse"), "svg")[0]!;
  const points = all(svg, "path").filter(({ attributes }) => attributes["fill"] === "var(--r0)");
  const dispersions = run.details!.questions.map(({ dispersion }) => dispersion);
  expect(points).toHaveLength(dispersions.length);
  const largest = Math.max(...dispersions.flatMap((d) => [Math.sqrt(Math.max(0, d.true)), Math.sqrt(d.predicted)]));
  for (const [i, { attributes }] of points.entries()) {
    const [, x, y] = /translate\(([\d.]+),([\d.]+)\)/.exec(attributes["transform"]!)!;
    const scale = (value: number): number => (Math.sqrt(Math.max(0, value)) / (largest * 1.05)) * 220;
    expect(Number(x)).toBeCloseTo(scale(dispersions[i]!.true), 1);
    expect(220 - Number(y)).toBeCloseTo(scale(dispersions[i]!.predicted), 1);
  }
});

const byId = (page: Element): Map<string | undefined, Element> =>
  new Map([...elements(page)].map((element) => [element.attributes["id"], element]));
/** A drawing of the page, by its id. */
const figure = (page: Element, id: string): Element =>
  all(page, "svg").find(({ attributes }) => attributes["aria-labelledby"] === `${id}-title`)!;
/** Where the elements of a colour stand. */
const places = (svg: Element, name: string, key: string, colour: string): [number, number][] =>
  all(svg, name)
    .filter(({ attributes }) => attributes[key] === colour)
    .map(({ attributes }) => {
      const [, x, y] = /translate\(([-\d.]+),([-\d.]+)\)/.exec(attributes["transform"]!)!;
      return [Number(x), Number(y)];
    });

describe("of two runs, each chart shows each one's own numbers", async () => {
  const training = (loss: readonly number[]): ReportRun["training"] => ({
    folder: "runs/adapter",
    steps: loss.length,
    curves: { loss: loss.map((value, i) => [i + 1, value]), lr: [], effectiveExperts: [], profileDistance: [] },
    warnings: [],
  });
  const curves = [
    [2, 1, 0.5],
    [1, 2, 3],
  ];
  const runs = [tableA, tableB].map((table, i) =>
    runOf(`run ${i}`, table, { training: training(curves[i]!), subsets: [{ name: "seen", metrics: metricsOf(i) }] }),
  );
  const page = parseHtml(await reportPage(reportOf(runs)));
  const said = (id: string): string => byId(page).get(`${id}-desc`)!.text;

  function metricsOf(run: number): ReportRun["metrics"] {
    return { nll: { value: 1.25 + run, low: 1, high: 3, n: 12, excluded: {} } };
  }

  test("tables", () => {
    const cells = (id: string, name: string): string[] =>
      all(section(page, id), "tr")
        .find(({ text }) => text.trim().startsWith(name))!
        .children.slice(-2)
        .map(({ text }) => text.trim().slice(0, 6));
    expect(cells("metrics", "nll")).toEqual(runs.map(({ metrics }) => metrics["nll"]!.value.toFixed(4)));
    expect(cells("held-out", "nll")).toEqual(["1.2500", "2.2500"]);
  });

  test("overview: values and both ends of intervals, on one scale", () => {
    const svg = figure(page, "overview-nll");
    const drawn = runs.map((_, i) => {
      const rule = all(svg, "line").find(({ attributes }) => attributes["stroke"] === `var(--r${i})`)!.attributes;
      const [low] = /[-\d.]+/.exec(rule["transform"]!)!.map(Number) as [number];
      return { low, high: low + Number(rule["x2"]), value: places(svg, "path", "fill", `var(--r${i})`)[0]![0] };
    });
    const results = runs.map(({ metrics }) => metrics["nll"]!);
    const scale = (drawn[0]!.high - drawn[0]!.low) / (results[0]!.high - results[0]!.low);
    for (const [i, at] of drawn.entries()) {
      for (const end of ["low", "value", "high"] as const) {
        expect(at[end] - drawn[0]!.low, `${i} ${end}`).toBeCloseTo(scale * (results[i]![end] - results[0]!.low), 6);
      }
    }
    expect(said("overview-nll")).toContain(results.map(({ value }, i) => `run ${i} ${value.toFixed(4)}`).join(", "));
  });

  test.each([0, 1])("calibration of run %i: the bins", (i) => {
    const bins = runs[i]!.details!.reliability;
    const points = places(figure(page, `calibration-${i}`), "path", "fill", `var(--r${i})`);
    expect(points).toHaveLength(bins.length);
    for (const [b, [x, y]] of points.entries()) {
      expect(x).toBeCloseTo(220 * bins[b]!.confidence, 6);
      expect(220 - y).toBeCloseTo(220 * bins[b]!.accuracy, 6);
    }
    const below = bins.filter(({ confidence, accuracy }) => accuracy < confidence).length;
    expect(said(`calibration-${i}`)).toContain(
      `Below the diagonal: ${below} bins. ECE ${runs[i]!.metrics["ece"]!.value.toFixed(4)}.`,
    );
  });

  test.each([0, 1])("collapse of run %i: the line has the slope 1 - MCI", (i) => {
    const { details, metrics } = runs[i]!;
    const svg = figure(page, `collapse-${i}`);
    const line = all(svg, "path").find(({ attributes }) => attributes["stroke-dasharray"] === "5,3")!;
    const [, x, y] = /^M0,220L([\d.]+),([\d.]+)$/.exec(line.attributes["d"]!)!;
    expect((220 - Number(y)) / Number(x)).toBeCloseTo(1 - metrics["mci"]!.value, 3);
    const spread = details!.questions.map(({ dispersion }) => dispersion);
    expect(places(svg, "path", "fill", `var(--r${i})`)).toHaveLength(spread.length);
    const below = spread.filter((of) => of.predicted < of.true).length;
    expect(said(`collapse-${i}`)).toContain(`MCI ${metrics["mci"]!.value.toFixed(4)}, rho`);
    expect(said(`collapse-${i}`)).toContain(`separates groups less than they are: ${below}.`);
  });

  test("distances of a question's groups, in its summary", () => {
    const summary = all(section(page, "distributions"), "summary")[3]!.text;
    const means = runs.map(({ details }) => {
      const { groups } = details!.questions[3]!;
      return groups.reduce((sum, { emd }) => sum + emd, 0) / groups.length;
    });
    expect(summary).toContain(`EMD A ${means[0]!.toFixed(3)}, B ${means[1]!.toFixed(3)}`);
  });

  test("training curves", () => {
    expect(said("training-loss")).toContain("run 0: from 2.0000 to 0.5000; run 1: from 1.0000 to 3.0000");
    const heights = [0, 1].map((i) => {
      const of = all(figure(page, "training-loss"), "path").find(
        ({ attributes }) => attributes["stroke"] === `var(--r${i})`,
      )!;
      return [...of.attributes["d"]!.matchAll(/,([\d.]+)/g)].map(([, y]) => Number(y));
    });
    const scale = (heights[1]![2]! - heights[1]![0]!) / 2;
    for (const [i, curve] of curves.entries()) {
      for (const [s, loss] of curve.entries()) {
        expect(heights[i]![s]! - heights[1]![0]!).toBeCloseTo(scale * (loss - 1), 2);
      }
    }
  });
});

test("adjusted p-values are shown as such, and counted", async () => {
  const { nll } = compare(tableA, tableC, { by: ["country"], resamples: 20 });
  const metrics = {
    nll: { ...nll, p: 0.011, pAdjusted: 0.022 },
    accuracy: { ...nll, p: 0.033, pAdjusted: 0.066 },
    mci: { ...nll, p: 0.044, pAdjusted: 0.088 },
  };
  const mcnemar = compareAccuracy(tableA, tableC);
  const report = reportOf([runOf("a", tableA), runOf("c", tableC)], {
    comparisons: [{ a: "a", b: "c", metrics, mcnemar }],
  });
  const tests = section(parseHtml(await reportPage(report)), "tests");
  expect(tests.text).toMatch(/nll[\s\S]*0\.011\s*0\.022/);
  expect(tests.text).toContain("1 of 2 metrics with adjusted p");
  const { records } = JSON.parse(reportTables(report, "json")) as { records: Record<string, unknown>[] };
  expect(records.find(({ table, metric }) => table === "differences" && metric === "nll")).toMatchObject({
    run: "a",
    against: "c",
    value: nll.difference,
    p: 0.011,
    pAdjusted: 0.022,
  });
});

test("routing: each file's own numbers, rows in the order of the tree", async () => {
  const usage = [
    [0.7, 0.3],
    [0.1, 0.9],
    [0.4, 0.6],
  ];
  const first = topologyOf(COUNTRIES);
  const second: Topology = {
    ...first,
    usage,
    routers: [{ router: "r", layer: 0, usage }],
    clustering: { ...first.clustering, order: [2, 0, 1] },
  };
  const routings = [first, second].map((topology, i) => ({ name: `route ${i}.json`, topology }));
  const page = parseHtml(await reportPage(reportOf([runOf("a", tableA)], { routings })));
  const map = figure(page, "routing-1-usage");
  expect(
    all(map, "text")
      .map(({ text }) => text.trim())
      .slice(-3),
  ).toEqual(["Norway 1", "Japan 2", "Kenya 3"]);
  for (const id of ["routing-1-usage", "routing-1-0"]) {
    // Of ten levels up to the largest share, 0.9: level 9 in the row of Kenya, level 7 in that of Japan.
    const levels = new Map(all(figure(page, id), "path").map(({ attributes: { fill, d } }) => [fill, d]));
    expect(levels.get("var(--h9)"), id).toBe("M1 2h1v1h-1z");
    expect(levels.get("var(--h7)"), id).toBe("M0 1h1v1h-1z");
  }
  expect(byId(page).get("routing-1-usage-desc")!.text).toContain("Expert 1 has the largest mean share, 0.600.");
  expect(byId(page).get("routing-0-usage-desc")!.text).toContain("Expert 1 has the largest mean share, 0.667.");
  expect(byId(page).get("routing-1-plane-desc")!.text).toBe(
    "Nearest: Japan and Kenya (0.333). Farthest: Japan and Norway (0.667).",
  );
});

test("routing: the tree joins what is alike, and numbers stand beside it", async () => {
  const page = parseHtml(
    await reportPage(
      reportOf([runOf("a", tableA)], { routings: [{ name: "route.json", topology: topologyOf(COUNTRIES) }] }),
    ),
  );
  const routing = section(page, "routing");
  expect(routing.text).toMatch(/mutual information of expert and country, nats\s*0\.4000\s*0\.2500\s*0\.001/);
  expect(routing.text).toMatch(/adjusted Rand index\)\s*0\.5000\s*0\.020\s*2 clusters/);
  expect(routing.text).toMatch(/Mantel\)\s*0\.3000\s*0\.040\s*24 questions/);
  const tree = all(routing, "path").find(({ attributes }) => attributes["class"] === "tree")!.attributes["d"]!;
  expect(tree.match(/M/g)).toHaveLength(2);
  // Layers in their order.
  expect(
    all(routing, "figcaption")
      .map(({ text }) => text.trim())
      .filter((text) => text.startsWith("layer")),
  ).toEqual([expect.stringMatching(/^layer 0/), expect.stringMatching(/^layer 1/)]);
});

test("tables as JSON, CSV, Markdown and LaTeX", () => {
  const run = runOf("a|b_c, 50%", tableA, {
    subsets: [
      {
        name: "seen",
        metrics: { nll: { value: NaN, low: NaN, high: NaN, n: 0, excluded: { 'no "x"': 3 } } },
      },
    ],
  });
  const report = reportOf([run]);
  const { records } = JSON.parse(reportTables(report, "json")) as { records: Record<string, unknown>[] };
  expect(records).toHaveLength(Object.keys(run.metrics).length + 1);
  expect(records.find(({ metric, table }) => metric === "groupEmd" && table === "metrics")).toMatchObject({
    run: "a|b_c, 50%",
    value: run.metrics["groupEmd"]!.value,
    low: run.metrics["groupEmd"]!.low,
    n: tableA.rows,
    better: "lower",
    unit: "1",
  });
  const csv = reportTables(report, "csv").split("\n");
  expect(csv[0]).toBe("table,run,subset,against,metric,value,low,high,n,p,pAdjusted,unit,better,leftOut");
  expect(csv[1]).toMatch(/^metrics,"a\|b_c, 50%",,,accuracy,0\.\d+,/);
  expect(csv.at(-2)).toBe(`subsets,"a|b_c, 50%",seen,,nll,,,,0,,,nats,lower,"no ""x"": 3"`);
  expect(reportTables(report, "md")).toContain(
    "| metric | unit | better | a\\|b\\_c, 50% |\n| --- | ---: | ---: | ---: |\n| accuracy | 1 | higher | 0.",
  );
  expect(reportTables(report, "latex")).toContain(
    "metric & unit & better & a\\textbar{}b\\_c, 50\\% \\\\\n\\midrule\naccuracy & 1 & higher & 0.",
  );
});

describe("what the page has besides metrics is in the tables, too", () => {
  const metrics = compare(tableA, tableC, { by: ["country"], resamples: 50 });
  const mcnemar = compareAccuracy(tableA, tableC);
  const training = {
    folder: "runs/adapter",
    steps: 40,
    curves: {
      loss: [
        [1, 2.5],
        [40, 1.25],
      ],
      lr: [],
      effectiveExperts: [],
      profileDistance: [],
    },
    warnings: [],
  } as const;
  const left = { nll: { value: 1, low: NaN, high: NaN, n: 3, excluded: { "no answer": 2 } } };
  const runs = [
    runOf("a", tableA, { training, notes: ["a note"], facts: [{ name: "config.seed", value: "7" }] }),
    runOf("c", tableC, { metrics: left, subsets: [{ name: "seen", metrics: left }] }),
  ];
  const report = reportOf(runs, {
    comparisons: [{ a: "a", b: "c", metrics, mcnemar }],
    notCompared: [{ a: "a", b: "d", why: "other people" }],
    routings: [{ name: "route.json", topology: topologyOf(COUNTRIES) }],
    facts: [{ name: "cuma", value: "1.2.3" }],
  });

  test("as records", () => {
    const found = JSON.parse(reportTables(report, "json")) as {
      facts: unknown;
      runs: unknown[];
      notCompared: unknown[];
      records: Record<string, unknown>[];
    };
    expect(found.facts).toEqual({ cuma: "1.2.3" });
    expect(found.runs[0]).toEqual({
      name: "a",
      source: "runs/a",
      notes: ["a note"],
      facts: { "config.seed": "7" },
    });
    expect(found.notCompared).toEqual(report.notCompared);
    const record = (table: string, metric: string): Record<string, unknown> =>
      found.records.find((one) => one["table"] === table && one["metric"] === metric)!;
    const { onlyA, onlyB, p } = mcnemar;
    const rows = { run: "a", against: "c", n: onlyA + onlyB, p, unit: "rows" };
    expect(record("mcnemar", "onlyRunRight")).toMatchObject({ ...rows, value: onlyA });
    expect(record("mcnemar", "onlyOtherRight")).toMatchObject({ ...rows, value: onlyB });
    const routing = { run: "route.json", p: 0.001 };
    expect(record("routing", "mutualInformation.country")).toMatchObject({ ...routing, value: 0.4, unit: "nats" });
    expect(record("routing", "mutualInformation.country.normalised")).toMatchObject({ ...routing, value: 0.25 });
    expect(record("routing", "adjustedRand")).toMatchObject({ value: 0.5, p: 0.02, n: 2 });
    expect(record("routing", "mantel")).toMatchObject({ value: 0.3, p: 0.04, n: 24 });
    expect(record("training", "loss.first")).toMatchObject({ run: "a", value: 2.5, n: 40, unit: "nats a token" });
    expect(record("training", "loss.last")).toMatchObject({ value: 1.25 });
    expect(record("differences", "nll")).toMatchObject({ value: metrics.nll.difference, better: "lower" });
    expect(record("differences", "mci")).toMatchObject({ value: metrics.mci.difference, better: "neither" });
    expect(reportTables(report, "csv").trim().split("\n")).toHaveLength(found.records.length + 1);
  });

  test("for people", () => {
    const { nll } = metrics;
    const fixed = (value: number): string => value.toFixed(4);
    const difference = `${fixed(nll.difference)} [${fixed(nll.low)}, ${fixed(nll.high)}]`;
    const md = reportTables(report, "md");
    expect(md).toContain("## Differences: a less c\n\n| metric | a | c | difference | p | p adjusted | n |\n");
    expect(md).toContain(`| nll | ${fixed(nll.a)} | ${fixed(nll.b)} | ${difference.replace(/[[\]]/g, "\\$&")} |`);
    expect(md).toMatch(new RegExp(`\\| a \\| c \\| ${mcnemar.onlyA} \\| ${mcnemar.onlyB} \\| `));
    expect(md).toContain("| mutual information of expert and country, nats | 0.4000 | 0.2500 | 0.001 |  |");
    expect(md).toContain("(adjusted Rand index) | 0.5000 |  | 0.020 | 2 clusters |");
    expect(md).toContain("(Mantel) | 0.3000 |  | 0.040 | 24 questions |");
    expect(md).toContain("| a | 40 | loss | nats a token | 2.5000 | 1.2500 |");
    expect(md).toContain("| c | no answer: 2 | nll |\n| c, seen | no answer: 2 | nll |");
    expect(md).toContain("| a | a note |\n| a, d | not compared: other people |");
    const tex = reportTables(report, "latex");
    expect(tex).toContain("\\caption{Differences: a less c}\n\\begin{tabular}{lrrrrrr}");
    expect(tex).toContain("\\begin{tabular}{p{0.30\\linewidth}p{0.30\\linewidth}p{0.30\\linewidth}}");
    expect(tex).toContain("c, seen & no answer: 2 & nll \\\\");
  });
});

test("one of something is no plural", async () => {
  const single = planted({ groups: ["Japan"], questions: 1, people: 1 });
  const page = parseHtml(await reportPage(reportOf([runOf("a", single)])));
  expect(all(page, "header")[0]!.text).toMatch(/1 evaluated model\.[\s\S]*1 example, 1 participant, 1 question\s/);
  expect(section(page, "distributions").text).toMatch(/Q0 1 group,/);
  expect(section(page, "calibration").text).toContain("1 bin from");
});

test("250 questions of 64 countries stay below 10 MB, and every group is drawn", async () => {
  const groups = Array.from({ length: 64 }, (_, g) => `The Republic of number ${g}`);
  const table = planted({ groups, questions: 250, people: 3 });
  const details = detailsOf(table, ["country"]);
  const run = runOf("a", tableA, { details });
  const begin = performance.now();
  const text = await reportPage(reportOf([run, runOf("c", tableC, { details })]));
  console.info(
    `250 x 64, two runs: ${(text.length / 1e6).toFixed(2)} MB, ${((performance.now() - begin) / 1000).toFixed(1)} s`,
  );
  expect(Buffer.byteLength(text)).toBeLessThan(10e6);
  expect(text.match(/<details class="question"/g)).toHaveLength(250);
  expect(text.match(/<li><bdi>The Republic of number 63<\/bdi><\/li>/g)).toHaveLength(250);
  expect(text).not.toContain("Drawn of a question");
});

test("more than a page can hold is said to be left out", async () => {
  const groups = Array.from({ length: 700 }, (_, g) => `country ${String(g).padStart(3, "0")}`);
  const details = detailsOf(planted({ groups, questions: 4, people: 1 }), ["country"]);
  const wide = {
    ...details,
    questions: Array.from({ length: 300 }, (_, q) => ({ ...details.questions[q % 4]!, id: `Q${q}` })),
  };
  const text = await reportPage(reportOf([runOf("a", tableA, { details: wide })]));
  expect(Buffer.byteLength(text)).toBeLessThan(12e6);
  const [, most] = /Drawn of a question: at most ([\d,]+) groups/.exec(text)!;
  expect(Number(most)).toBeLessThan(700);
  const first = all(section(parseHtml(text), "distributions"), "details")[0]!;
  expect(all(first, "ol")[0]!.children).toHaveLength(Number(most));
});

test("routing of more routers and groups than a call takes arguments", async () => {
  const topology = topologyOf(Array.from({ length: 620 }, (_, i) => `group ${i}`));
  const [router] = topology.routers;
  const routers = Array.from({ length: 210 }, (_, i) => ({ ...router!, router: `router ${i}` }));
  const page = await reportPage(
    reportOf([runOf("a", tableA)], { routings: [{ name: "route.json", topology: { ...topology, routers } }] }),
  );
  expect(page).toContain("210 routers");
});
