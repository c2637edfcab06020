/**
 * The evidence: `npm run evidence`, or `npm run evidence -- --only planted --threads 1`. Trains and evaluates what
 * docs/evidence.md reports; what is finished is kept in the output folder and not done again.
 */
import { parseArgs } from "node:util";
import { runPlanted } from "./planted.ts";
import type { Context } from "./runs.ts";
import { runSurvey } from "./surveys.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: "runs/evidence" },
    only: { type: "string", default: "" },
    base: { type: "string", default: "" },
    data: { type: "string", default: "" },
    threads: { type: "string", default: "2" },
  },
});
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
const surveys = { base: values.base, data: values.data };
const parts = {
  planted: () => runPlanted(context),
  globalopinionqa: () => runSurvey("globalopinionqa", surveys.base, surveys.data, context),
  "wvs-cardata": () => runSurvey("wvs-cardata", surveys.base, surveys.data, context),
} satisfies Record<string, () => Promise<unknown>>;

for (const [name, run] of Object.entries(parts)) {
  if (values.only === "" || values.only.split(",").includes(name)) await run();
}
