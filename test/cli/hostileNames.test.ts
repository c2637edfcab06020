import { parse as parseCsv } from "csv-parse/sync";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { cuma, type CliResult } from "../support/cli.ts";
import { all, elements, parseHtml } from "../support/html.ts";
import { temporaryFolder } from "../support/folder.ts";

// The same hostile names (files, columns, groups, ids, questions, options) in everything that is printed or drawn.

const NAMES = [
  "\x1b]0;title\x07\x1b[2J",
  "\x9b31m\u202Edetrevni\u2066",
  "=cmd()|'C calc'!A0",
  "@SUM(1+1)",
  "+1",
  "[1pt]x",
  "*x",
  "\\input{x}%$&#_{}~^--",
  "<script>alert(1)<\\script>",
  "[x](javascript:alert(1)) ![y](z)",
  "www.evil.example x@evil.example `a` | b",
  "two\nlines\r\tand a tab",
];
/** What would act on a terminal. */
const ACTING = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const root = temporaryFolder("hostile");
const questions = join(root, "goqa");
const profiles = join(root, "profiles.jsonl");

const row = (name: string, i: number, other: string): Record<string, unknown> => ({
  example_id: `${name} ${i}`,
  question_id: name,
  options: [`${name} yes`, `${name} no`],
  ordered: false,
  probabilities: [0.25, 0.75],
  answer: i % 2,
  ...(i === 0 ? {} : { [`of ${name}`]: i < 3 ? name : other }),
});
const lines = (rows: readonly unknown[]): string => rows.map((one) => `${JSON.stringify(one)}\n`).join("");
const table = (name: string): string => join(root, `${name}.jsonl`);

beforeAll(() => {
  for (const [n, name] of NAMES.entries()) {
    const other = NAMES[(n + 1) % NAMES.length]!;
    writeFileSync(table(name), lines(Array.from({ length: 5 }, (_, i) => row(name, i, other))));
  }
  mkdirSync(questions);
  const asked = NAMES.flatMap((question, n) =>
    [question, NAMES[(n + 1) % NAMES.length]!].map((country) => ({
      ...{ country, question, options: [`${question} yes`, `${question} no`], distribution: [0.5, 0.5] },
    })),
  );
  writeFileSync(join(questions, "data.json"), JSON.stringify(asked));
  writeFileSync(profiles, lines(NAMES.map((country) => ({ country }))));
});

function harmless({ code, stdout, stderr }: CliResult, expected = 0): string {
  expect(code, stderr).toBe(expected);
  expect(stdout).not.toMatch(ACTING);
  expect(stderr).not.toMatch(ACTING);
  expect(stderr.length).toBeLessThan(5000);
  return stdout;
}

const quick = ["--resamples", "0", "--permutations", "0"];
const data = ["--base", "demo", "--bench", "globalopinionqa", "--data", questions];

describe("the terminal", () => {
  test("score", async () => {
    const many = join(root, "many.jsonl");
    writeFileSync(many, lines(NAMES.flatMap((name) => Array.from({ length: 4 }, (_, i) => row(name, i, "other")))));
    const score = ["score", many, ...NAMES.flatMap((name) => ["--by", `of ${name}`]), ...quick];
    const text = harmless(await cuma(score));
    expect(text).toContain("by of \\u{1b}]0;title\\u{7}\\u{1b}[2J\n");
    expect(text.match(/^by of /gm)).toHaveLength(NAMES.length);
    const json = JSON.parse(harmless(await cuma([...score, "--json"]))) as object;
    expect(Object.keys(json)).toEqual(NAMES.map((name) => `of ${name}`));
  });

  test("errors", async () => {
    const name = NAMES.join(" ");
    const twice = join(root, "twice.jsonl");
    writeFileSync(twice, lines([row(name, 0, name), row(name, 0, name)]));
    harmless(await cuma(["score", twice, ...quick]), 1);
    harmless(await cuma(["score", table(NAMES[0]!), ...quick, "--by", name]), 1);
    harmless(await cuma(["score", join(root, `${name} is not there.csv`)]), 1);
    harmless(await cuma(["score", twice, `--${name}`]), 2);
    harmless(await cuma(["train", "--set", `train.lr=${name}`]), 2);
    harmless(await cuma(["train", "--set", name]), 2);
  });

  test("preview, eval, route and answer", async () => {
    const soft = ["--set", "train.labels=soft", "--out", join(root, "unused"), "--limit", "50"];
    const preview = ["preview", ...data, ...soft, "--set", "data.split=full"];
    expect(harmless(await cuma(preview))).toContain("\\u{1b}]0;title\\u{7}");
    const shown = JSON.parse(harmless(await cuma([...preview, "--json"]))) as { text: string }[];
    expect(shown.some(({ text }) => text.includes("\x1b]0;title\x07"))).toBe(true);

    harmless(await cuma(["eval", ...data, "--split", "full", "--out", join(root, "eval"), ...quick]));

    const adapter = join(root, "adapter");
    const train = ["train", ...data, "--set", "train.labels=soft", "--set", "train.maxSteps=0", "--out", adapter];
    harmless(await cuma([...train, "--set", "data.split=full", "--set", "adapter.routerHidden=8"]));
    const route = ["route", "--base", "demo", "--adapter", adapter, "--profiles", profiles, "--permutations", "0"];
    expect(harmless(await cuma(route))).toContain("\\u{1b}]0;title\\u{7}");

    const options = NAMES.slice(0, 4).flatMap((name) => ["--option", name]);
    harmless(await cuma(["answer", "--base", "demo", "--question", NAMES[0]!, ...options]));
  });
});

describe("tables and the page of a report", () => {
  const report = (...more: string[]): Promise<CliResult> =>
    cuma(["report", ...NAMES.map(table), "--title", NAMES[0]!, "--resamples", "0", ...more]);

  test("html", async () => {
    const out = join(root, "report.html");
    harmless(await report("--out", out));
    const page = parseHtml(readFileSync(out, "utf8"));
    for (const { name, attributes } of elements(page)) {
      expect(["script", "img", "iframe"]).not.toContain(name);
      if (name === "a") expect(attributes["href"]).toMatch(/^#/);
      expect(Object.keys(attributes).join(" ")).not.toMatch(/\bon/);
    }
    expect(all(page, "title")[0]!.text).toContain("title");
  });

  test("json: the names as they are", async () => {
    const { runs } = JSON.parse(harmless(await report("--format", "json"))) as { runs: { name: string }[] };
    expect(runs.map(({ name }) => name)).toEqual(NAMES.map((name) => `${name}.jsonl`));
  });

  test("csv: no formulas, and numbers are numbers", async () => {
    const text = harmless(await report("--format", "csv"));
    const records = parseCsv<Record<string, string>>(text, { columns: true });
    for (const { value, metric, ...texts } of records) {
      expect(value === "" || Number.isFinite(Number(value)), metric).toBe(true);
      for (const cell of [texts["run"]!, texts["against"]!, texts["leftOut"]!]) expect(cell).not.toMatch(/^[=+\-@]/);
    }
    expect(new Set(records.map(({ run }) => run)).size).toBe(NAMES.length);
    expect(text).toContain("'=cmd()");
  });

  test("md: cells and headings without markup", async () => {
    const text = harmless(await report("--format", "md"));
    for (const line of text.split("\n")) expect(line).toMatch(/^(|## .*|\|.*\|)$/);
    const markup = text.replace(/\\[\\`*_{}[\]<>|#&~$]/g, "").replaceAll("<!-- -->", "\u0000");
    expect(markup).not.toMatch(/[`*<>[\]{}~$&\\]|:\/\/|@(?!\0)|www\./);
    const columns = markup.split("\n\n").map(
      (part) =>
        new Set(
          part
            .trim()
            .split("\n")
            .map((line) => line.split("|").length),
        ),
    );
    for (const found of columns) expect(found.size).toBe(1);
  });

  test("latex: no commands but ours, and no row that the one before takes for an argument", async () => {
    const text = harmless(await report("--format", "latex"));
    const commands = new Set([...text.matchAll(/\\([a-z]+)/g)].map(([, name]) => name));
    const ours = ["begin", "caption", "toprule", "midrule", "bottomrule", "end", "linewidth"];
    const characters = [
      "textbackslash",
      "textasciitilde",
      "textasciicircum",
      "textless",
      "textgreater",
      "textbar",
      "textasciigrave",
    ];
    for (const name of commands) expect([...ours, ...characters]).toContain(name);
    for (const line of text.split("\n")) expect(line).not.toMatch(/^\s*[[*]/);
    expect(text.replace(/\\[%$&#_{}]/g, "").match(/[%$#_~^]/)).toBeNull();
  });
});
