/**
 * Grows one thing after another by four and by four again (rows, groups, questions, both of these at once, options, routers,
 * profiles) and measures CPU time and peak memory of the command that reads it, in a process of its own. Cost may grow with
 * the cells that there are, not with the product of what could be: a step that costs several times more than its cells
 * explain is a fault.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PredictionTableBuilder, writePredictions } from "../../eval/index.ts";
import { formatBytes, Rng } from "../../src/core/util/index.ts";
import { cuma } from "./command.ts";

/** How many times more than its cells a step may cost: caches, garbage and a busy machine. */
const SLACK = 3;

interface Step {
  readonly what: string;
  /** Numbers that are there to be read. */
  readonly cells: number;
  readonly args: readonly string[];
}

interface Cost {
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** @param folder An empty folder to work in. @returns What cost too much. */
export function attackGrowth(folder: string): string[] {
  const faults: string[] = [];
  for (const steps of growing(folder)) {
    let before: { step: Step; cost: Cost } | undefined;
    for (const make of steps) {
      const step = make();
      const cost = measure(folder, step.args);
      console.log(
        `${step.what.padEnd(44)} ${cost.cpuSeconds.toFixed(1).padStart(7)} s  ${formatBytes(cost.peakBytes)}`,
      );
      if (before) {
        const explained = SLACK * Math.max(1, step.cells / before.step.cells);
        for (const key of ["cpuSeconds", "peakBytes"] as const) {
          const times = cost[key] / before.cost[key];
          if (times > explained) faults.push(`${step.what}: ${key} x ${times.toFixed(1)} of ${before.step.what}`);
        }
      }
      before = { step, cost };
    }
  }
  return faults;
}

/** By what grows, its steps, made when their turn comes. */
function growing(folder: string): (() => Step)[][] {
  const shape = { rows: 40_000, groups: 40, questions: 40, options: 4 };
  const sizes = [1, 4, 16];
  return [
    ...(["rows", "groups", "questions", "options"] as const).map((name) =>
      sizes.map((times) => () => scoring(folder, { ...shape, [name]: shape[name] * times })),
    ),
    sizes.map(
      (times) => () =>
        scoring(folder, { ...shape, groups: times * shape.groups * 16, questions: times * shape.questions * 16 }),
    ),
    sizes.map((times) => () => routers(folder, 100 * times)),
    sizes.map((times) => () => profiles(folder, 50 * times)),
  ];
}

interface Shape {
  readonly rows: number;
  readonly groups: number;
  readonly questions: number;
  readonly options: number;
}

function scoring(folder: string, { rows, groups, questions, options: count }: Shape): Step {
  const rng = new Rng(0, "growth");
  const options = Array.from({ length: count }, (_, k) => `option ${k}`);
  const builder = new PredictionTableBuilder();
  for (let i = 0; i < rows; i++) {
    const raw = options.map(() => 0.1 + rng.uniform());
    const sum = raw.reduce((a, b) => a + b, 0);
    builder.add({
      exampleId: `e${i}`,
      questionId: `q${rng.below(questions)}`,
      participantId: `p${i % (rows / 10)}`,
      profile: { country: `c${i % groups}` },
      options,
      ordered: true,
      answer: rng.below(count),
      target: null,
      probabilities: raw.map((p) => p / sum),
      weight: 1,
    });
  }
  const path = join(folder, "predictions.parquet");
  writePredictions(path, builder.build());
  return {
    what: `score: ${rows} rows, ${groups} groups, ${questions} questions of ${count}`,
    cells: rows * count,
    args: ["score", path, "--resamples", "40", "--permutations", "40"],
  };
}

function routers(folder: string, count: number): Step {
  const groups = Array.from({ length: 200 }, (_, g) => ({ name: `group ${g}`, profiles: 1 }));
  const G = groups.length;
  const usage = groups.map((_, g) => [g / G, 1 - g / G]);
  const topology = {
    groups,
    experts: 2,
    routers: Array.from({ length: count }, (_, r) => ({ router: `router ${r}`, layer: r, usage })),
    usage,
    distances: groups.map((_, a) => groups.map((__, b) => Math.abs(a - b) / G)),
    clustering: {
      merges: Array.from({ length: G - 1 }, (_, i) => ({
        left: i === 0 ? 0 : G + i - 1,
        right: i + 1,
        height: (i + 1) / G,
      })),
      order: groups.map((_, g) => g),
    },
    embedding: groups.map((_, g) => ({ x: g - (G - 1) / 2, y: 0 })),
    mutualInformation: {},
    agreement: null,
    mantel: null,
  };
  const path = join(folder, "route.json");
  writeFileSync(path, JSON.stringify({ topology }));
  const small = scoring(folder, { rows: 100, groups: 2, questions: 2, options: 2 }).args[1]!;
  return {
    what: `report: ${count} routers of ${G} groups`,
    cells: count * G * 2,
    args: ["report", small, "--routing", path, "--out", join(folder, "report.html"), "--overwrite"],
  };
}

function profiles(folder: string, count: number): Step {
  const data = join(folder, "data");
  const adapter = join(folder, "adapter");
  cuma(["data", "planted", "--out", data, "--participants", "40", "--questions", "4", "--overwrite"]);
  cuma([
    ...["train", "--base", "demo", "--bench", "planted", "--data", data, "--out", adapter],
    ...["--set", "train.maxSteps=0", "--overwrite"],
  ]);
  const [table, texts] = ["profiles.csv", "texts.txt"].map((name) => join(folder, name)) as [string, string];
  const rows = Array.from({ length: count }, (_, i) => `c${i % 40},${i}\n`);
  writeFileSync(table, `country,age\n${rows.join("")}`);
  writeFileSync(texts, "Tea or coffee?\n");
  return {
    what: `route: ${count} profiles`,
    cells: count,
    args: ["route", "--base", "demo", "--adapter", adapter, "--profiles", table, "--texts", texts, "--by", "country"],
  };
}

/** Runs a command, which leaves its use of resources in a file when it ends. */
function measure(folder: string, args: readonly string[]): Cost {
  const path = join(folder, "usage.json");
  const recorder = `import { writeFileSync } from "node:fs";
process.on("exit", () => writeFileSync(${JSON.stringify(path)}, JSON.stringify(process.resourceUsage())));`;
  cuma(args, { node: ["--import", `data:text/javascript,${encodeURIComponent(recorder)}`] });
  const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(readFileSync(path, "utf8")) as NodeJS.ResourceUsage;
  return { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakBytes: maxRSS * 1024 };
}
