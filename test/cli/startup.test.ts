import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cumaProcess } from "../support/cli.ts";
import { temporaryFolder } from "../support/folder.ts";

// What each command loads: a program that is asked for help, or only scores a table, should not wait for an engine.

const root = temporaryFolder("startup");

/** Hooks of Node's loader that write down every module before it is loaded. */
const recorder = `
import { appendFileSync } from "node:fs";
export async function load(url, context, nextLoad) {
  appendFileSync(process.env.CUMA_LOADED, url + "\\n");
  return nextLoad(url, context);
}`;
const dataUrl = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;
const register = dataUrl(`import { register } from "node:module"; register(${JSON.stringify(dataUrl(recorder))});`);

let runs = 0;
/** Names of the packages that a run of the command line loads. */
async function packagesOf(args: readonly string[], expectedCode = 0): Promise<string[]> {
  const log = join(root, `${++runs}.log`);
  const env = { ...process.env, NODE_OPTIONS: `--import=${register}`, CUMA_LOADED: log };
  const { code, stderr } = await cumaProcess(args, { env });
  expect(code, stderr).toBe(expectedCode);
  const names = readFileSync(log, "utf8").matchAll(/\/node_modules\/((?:@[^/]+\/)?[^/]+)\//g);
  return [...new Set([...names].map(([, name]) => name!))].sort();
}

describe.concurrent("a start loads", () => {
  test.each(["", "train", "preview", "eval", "score", "report", "route", "answer", "data wvb", "data planted", "demo"])(
    "nothing but commander for: cuma %s --help",
    async (command) => {
      expect(await packagesOf([...command.split(" ").filter(Boolean), "--help"])).toEqual(["commander"]);
    },
  );

  const row = { example_id: "1", question_id: "q", options: ["a", "b"], ordered: true, probabilities: [0.5, 0.5] };
  test.each([
    ["predictions", { ...row, answer: 0, country: "A" }],
    ["generations", { prompt_id: "p", text: "one text" }],
  ])("what reads tables, but no engine and no tokenizer, for cuma score --kind %s", async (kind, line) => {
    const table = join(root, `${kind}.jsonl`);
    writeFileSync(table, `${JSON.stringify(line)}\n`);
    const packages = await packagesOf(["score", table, "--kind", kind, "--resamples", "10"]);
    expect(packages).toContain("csv-parse");
    expect(packages).not.toContain("onnxruntime-node");
    expect(packages.filter((name) => name.startsWith("@huggingface/"))).toEqual([]);
  });

  test("engine and tokenizers for a command that runs a model", async () => {
    const question = ["--question", "Q", "--option", "A", "--option", "B"];
    const packages = await packagesOf(["answer", "--base", join(root, "none"), ...question], 1);
    expect(packages).toEqual(expect.arrayContaining(["@huggingface/tokenizers", "onnxruntime-node"]));
  });
});
