/**
 * The evidence: `npm run evidence -- --base <SmolLM2 folder> --data <folder of the public data>`, or one part of it with
 * `--only planted`. Trains and evaluates what docs/evidence.md reports, and writes its tables between the file's marks. What is
 * finished is kept in the output folder and not done again.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageRoot } from "../../src/app/package.ts";
import { writeFileAtomic } from "../../src/core/io/index.ts";
import { unknownName } from "../../src/core/util/index.ts";
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

/** What a part trains on beside what comes with the package. */
type Need = "base" | "data";

interface Part {
  readonly needs: readonly Need[];
  readonly tables: () => Promise<string>;
}

const survey = (name: SurveyName): Part => ({
  needs: ["base", "data"],
  tables: async () => surveyTables(name, await runSurvey(name, values.base, values.data, context)),
});
const parts: Readonly<Record<string, Part>> = {
  planted: { needs: [], tables: async () => plantedTables(await runPlanted(context)) },
  conditions: { needs: [], tables: async () => conditionTables(await runConditions(context)) },
  settings: { needs: [], tables: async () => settingsTables(await runSettings(context)) },
  routing: { needs: [], tables: async () => routingTables(await runRouting(context)) },
  globalopinionqa: survey("globalopinionqa"),
  "wvs-cardata": survey("wvs-cardata"),
  published: { needs: ["data"], tables: () => publishedTables(values.data) },
};

for (const [name, { tables }] of wantedParts()) {
  put(name, await tables());
  context.say(`${name}: written to ${document}`);
}

/** Those of `--only`, or all; ends the process with a message where something is missing. */
function wantedParts(): [string, Part][] {
  const names = values.only === "" ? Object.keys(parts) : values.only.split(",");
  const fail = (message: string): never => {
    console.error(`error: ${message}`);
    process.exit(2);
  };
  return names.map((name) => {
    const part = Object.hasOwn(parts, name) ? parts[name]! : fail(unknownName("part", name, Object.keys(parts)));
    for (const need of part.needs) {
      if (values[need] === "")
        fail(`${name} needs --${need} <folder>; see CONTRIBUTING.md, or choose parts with --only`);
    }
    return [name, part];
  });
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
