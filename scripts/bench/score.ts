/**
 * One measurement of scoring, in a process of its own: `node score.js [--resamples R] [--permutations P]`.
 * A million predictions (20,000 people of 60 countries answer 50 questions of 5 options) are written as Parquet, then
 * scored by `cuma score`, whose time from start to end and memory are measured. Prints one JSON line.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PredictionTableBuilder, writePredictions } from "../../eval/index.ts";
import { Rng } from "../../src/core/util/index.ts";

const { values } = parseArgs({
  options: {
    people: { type: "string", default: "20000" },
    questions: { type: "string", default: "50" },
    resamples: { type: "string", default: "1000" },
    permutations: { type: "string", default: "1000" },
    threads: { type: "string" },
  },
});
const COUNTRIES = 60;
const OPTIONS = ["Never", "Rarely", "Sometimes", "Often", "Always"];

const folder = mkdtempSync(join(tmpdir(), "cuma-bench-"));
try {
  const path = join(folder, "predictions.parquet");
  write(path);
  const usage = join(folder, "usage.json");
  const begin = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      ...["--import", `data:text/javascript,${encodeURIComponent(recorder(usage))}`],
      fileURLToPath(new URL("../../src/cli/main.js", import.meta.url)),
      ...["score", path, "--resamples", values.resamples, "--permutations", values.permutations, "--json"],
    ],
    { encoding: "utf8", maxBuffer: 2 ** 26 },
  );
  const seconds = (performance.now() - begin) / 1000;
  if (status !== 0) throw new Error(stderr);
  const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(readFileSync(usage, "utf8")) as NodeJS.ResourceUsage;
  console.log(
    JSON.stringify({ seconds, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakRssBytes: maxRSS * 1024 }),
  );
} finally {
  rmSync(folder, { recursive: true });
}

/** Code that leaves a process's use of resources in a file when it ends. */
function recorder(path: string): string {
  return `import { writeFileSync } from "node:fs";
process.on("exit", () => writeFileSync(${JSON.stringify(path)}, JSON.stringify(process.resourceUsage())));`;
}

function write(path: string): void {
  const rng = new Rng(0, "bench");
  const builder = new PredictionTableBuilder();
  for (let person = 0; person < Number(values.people); person++) {
    const country = person % COUNTRIES;
    for (let question = 0; question < Number(values.questions); question++) {
      const raw = OPTIONS.map((_, k) => 0.1 + rng.uniform() + Math.sin(country * (question + 1) + k) ** 2);
      const sum = raw.reduce((a, b) => a + b, 0);
      const probabilities = raw.map((p) => p / sum);
      builder.add({
        exampleId: `P${person}-Q${question}`,
        questionId: `Q${question}`,
        participantId: `P${person}`,
        profile: { country: `Country ${country}`, gender: person % 7 < 3 ? "Female" : "Male" },
        options: OPTIONS,
        ordered: true,
        answer: rng.choice(probabilities),
        target: null,
        probabilities,
        weight: 1,
      });
    }
  }
  writePredictions(path, builder.build(), { benchmark: "bench" });
}
