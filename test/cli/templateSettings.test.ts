import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { loadCuma } from "../../src/index.ts";
import { answer, evaluate, fresh, goodBase, refusal, run, train, withGoodFiles, write } from "./badInput/support.ts";

withGoodFiles();

const TEMPLATE =
  "{{ strftime_now('%d %b %Y') }}{% for m in messages %}\n{{ m.content }}{% endfor %}{% if loud %}\n!{% endif %}\n";
const TRAINED = "2025-01-31";
const choice = { profile: { country: "Belmora" }, question: "Tea?", options: ["Yes", "No"] };

let base: string;
let adapter: string;
beforeAll(async () => {
  base = fresh("base");
  cpSync(goodBase, base, { recursive: true });
  write("chat_template.jinja", TEMPLATE)(base);
  adapter = fresh("adapter");
  expect(await run(training(TRAINED))).toMatchObject({ code: 0 });
});

const onBase = (args: readonly string[]): string[] => args.map((arg) => (arg === "demo" ? base : arg));
const training = (date: string, ...more: string[]): string[] =>
  onBase(train(adapter, "--set", `template.date=${date}`, ...more));
const evaluation = (out: string, ...more: string[]): string[] =>
  onBase(evaluate(out, "--adapter", adapter, "--limit", "8", ...more));
const settingsOf = (out: string): unknown =>
  (JSON.parse(readFileSync(join(out, "results.json"), "utf8")) as { identity: { template: unknown } }).identity
    .template;

async function distribution(template?: { readonly date: string }): Promise<number[]> {
  const model = await loadCuma({ base, adapter, ...(template && { template }) });
  try {
    return (await model.answer(choice)).distribution;
  } finally {
    await model.dispose();
  }
}

test("a run does not go on with another template date", async () => {
  const differs = `template.date: "${TRAINED}" in the folder, "2025-02-01" now`;
  expect(refusal(await run(training("2025-02-01", "--resume")))).toContain(differs);
  expect(await run(training(TRAINED, "--resume"))).toMatchObject({ code: 0 });
});

test("the library takes the adapter's settings unless told otherwise", async () => {
  const asTrained = await distribution();
  expect(asTrained).toEqual(await distribution({ date: TRAINED }));
  expect(asTrained).not.toEqual(await distribution({ date: "2024-07-26" }));
});

test("so does an evaluation, which does not go on with others", async () => {
  const out = fresh("evaluation");
  expect(await run(evaluation(out))).toMatchObject({ code: 0 });
  expect(settingsOf(out)).toEqual({ date: TRAINED, enable_thinking: false });
  expect(await run(evaluation(out, "--resume"))).toMatchObject({ code: 0 });
  const other = await run(evaluation(out, "--resume", "--template", "date=2025-02-01"));
  expect(refusal(other)).toContain(`template.date: "${TRAINED}" in the folder, "2025-02-01" now`);
});

test("several settings may be given, each once", async () => {
  const several = await run(answer("--base", base, "--template", "date=2025-02-01", "--template", "loud=true"));
  expect(several).toMatchObject({ code: 0 });
  const twice = await run(answer("--base", base, "--template", "loud=true", "--template", "loud=false"));
  expect(refusal(twice, 2)).toContain('"loud" is given twice');
});
