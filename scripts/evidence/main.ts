/**
 * The evidence: `npm run evidence -- --base <SmolLM2 folder> --data <folder of the public data>`, or one part of it with
 * `--only planted`. Trains and evaluates what docs/evidence.md reports, and writes its tables between the file's marks. What is
 * finished is kept in the output folder and not done again.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageRoot } from "../../src/app/index.ts";
import { writeFileAtomic } from "../../src/io/index.ts";
import { runConditions, runPlanted, runSettings } from "./planted.ts";
import { conditionTables, plantedTables, settingsTables } from "./plantedTables.ts";
import { publishedTables } from "./published.ts";
import { routingTables, runRouting } from "./routing.ts";
import type { Context } from "./runs.ts";
import { runSurvey, type SurveyName } from "./surveys.ts";
import { surveyTables } from "./surveyTables.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: "runs/evidence" },
    only: { type: "string", default: "" },
    base: { type: "string", default: "" },
    data: { type: "string", default: "" },
    threads: { type: "string", default: "2" },
  },
});
const document = join(packageRoot, "docs", "evidence.md");
const controller = new AbortController();
process.once("SIGINT", () => {
  controller.abort();
});
const started = Date.now();
const context: Context = {
  out: values.out,
  threads: Number(values.threads),
  signal: controller.signal,
  say(message) {
    console.error(`[${((Date.now() - started) / 60_000).toFixed(1)} min] ${message}`);
  },
};

const survey = async (name: SurveyName): Promise<string> =>
  surveyTables(name, await runSurvey(name, needed("base"), needed("data"), context));
const parts = {
  planted: async () => plantedTables(await runPlanted(context)),
  conditions: async () => conditionTables(await runConditions(context)),
  settings: async () => settingsTables(await runSettings(context)),
  routing: async () => routingTables(await runRouting(context)),
  globalopinionqa: () => survey("globalopinionqa"),
  "wvs-cardata": () => survey("wvs-cardata"),
  published: () => Promise.resolve(publishedTables(needed("data"))),
} satisfies Record<string, () => Promise<string>>;

const wanted = values.only === "" ? Object.keys(parts) : values.only.split(",");
for (const name of wanted) {
  if (!Object.hasOwn(parts, name)) throw new Error(`--only ${name}: expected one of ${Object.keys(parts).join(", ")}`);
  put(name, await parts[name as keyof typeof parts]());
  context.say(`${name}: written to ${document}`);
}

function needed(name: "base" | "data"): string {
  const value = values[name];
  if (value === "") throw new Error(`expected --${name} <folder>: see CONTRIBUTING.md`);
  return value;
}

/** Puts a part's tables between its marks. */
function put(name: string, tables: string): void {
  const text = readFileSync(document, "utf8");
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${document}: expected the marks ${begin} and ${end}`);
  const changed = `${text.slice(0, from + begin.length)}\n\n${tables}\n\n${text.slice(to)}`;
  writeFileAtomic(document, new TextEncoder().encode(changed));
}
