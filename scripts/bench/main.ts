/**
 * The benchmark: `npm run bench`, or `npm run bench -- --json --only step,evaluation --rounds 5`.
 *
 * Every measurement runs in a process of its own, and those that are compared run in turn within each round, so that a
 * busy machine slows all of them. A figure is the median over rounds with the smallest and the largest; a ratio is the
 * median of the rounds' ratios. PyTorch takes part where the Python of CUMA_PYTHON (`python3` without it) has it.
 */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { planNames, type PlanName } from "../../src/core/train/index.ts";

interface StepMeasurement {
  readonly tokensPerSecond: number;
  readonly examplesPerSecond: number;
  readonly cpuSecondsPerStep: number;
  readonly peakRssBytes: number;
  readonly secondsToFirstStep: number;
}

type Figures = Record<string, number>;

const sections = {
  startup: () => single("start of a process: empty, cuma --help, cuma score of 100 rows", "startup.js", []),
  step: trainingStep,
  experts: () => scaling("experts", ["8", "64"], "time per step with E experts"),
  tokens: () => scaling("tokens", ["48", "96", "192"], "time per step with 8 x T tokens"),
  evaluation,
  loading: () => {
    for (const dtype of ["F32", "BF16"]) single(`loading, ${dtype}`, "loading.js", ["--dtype", dtype]);
  },
  optimizer: () => single("optimizer", "optimizer.js", []),
  score: () => {
    single("scoring a million predictions: 1,000 resamples, 1,000 permutations", "score.js", []);
    const args = ["--resamples", "10000", "--permutations", "0"];
    single("scoring a million predictions: 10,000 resamples, no permutations", "score.js", args);
    const wide = [...args, "--people", "5000", "--questions", "200"];
    single("the same, of four times as many questions", "score.js", wide);
  },
};
type SectionName = keyof typeof sections;
const sectionNames = Object.keys(sections) as SectionName[];

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "3" },
    steps: { type: "string", default: "5" },
    threads: { type: "string", default: "2" },
  },
});
const rounds = Number(values.rounds);
const python = process.env["CUMA_PYTHON"] ?? "python3";

/** Text for people: on standard output, or out of the way where that is for machines. */
function say(text: string): void {
  (values.json ? process.stderr : process.stdout).write(`${text}\n`);
}

function run(command: string, args: readonly string[]): Figures {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${stderr.trim()}`);
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Figures;
}

function ours(script: string, args: readonly string[]): Figures {
  return run(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), "--threads", values.threads, ...args]);
}

function peer(what: string, args: readonly string[]): Figures {
  return run(python, [resolve("scripts/bench/peers.py"), what, "--threads", values.threads, ...args]);
}

/** Whether Python can import a module. */
function has(module: string): boolean {
  return spawnSync(python, ["-c", `import ${module}`]).status === 0;
}

/** The peers that can run here, of those whose module is named. */
function available(peers: Readonly<Record<string, string>>): string[] {
  return Object.entries(peers).flatMap(([name, module]) => {
    if (has("torch") && has(module)) return [name];
    say(`${name}: skipped, ${python} has no ${has("torch") ? module : "torch"} (CUMA_PYTHON names another Python)`);
    return [];
  });
}

/** Runs measurements in turn, round by round. Gives those of each name, in the order of the rounds. */
function inTurn(measurements: Readonly<Record<string, () => Figures>>): Map<string, Figures[]> {
  const found = new Map<string, Figures[]>(Object.keys(measurements).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(measurements)) found.get(name)!.push(measure());
  }
  return found;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

/** "305 (298-311)" */
function spread(numbers: readonly number[], digits = 0): string {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  return `${median(numbers).toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`;
}

/** Ratios of a figure, round by round. */
function ratios(a: readonly Figures[], b: readonly Figures[], key: string): number[] {
  return a.map((figures, round) => figures[key]! / b[round]![key]!);
}

function trainingStep(): void {
  say("\nTraining step: 8 x 96 tokens, E = 8, r = 8, top-2");
  const peers = available({ fused: "torch", original: "transformers" });
  const found = inTurn({
    ...Object.fromEntries(planNames.map((plan) => [plan, () => ours("step.js", [plan, "--steps", values.steps])])),
    ...Object.fromEntries(peers.map((name) => [name, () => peer(name, ["--steps", values.steps])])),
  });
  for (const [name, figures] of found) {
    const of = (key: keyof StepMeasurement): number[] => figures.map((figure) => figure[key]!);
    const isPlan = planNames.includes(name as PlanName);
    const against = Object.fromEntries(
      isPlan ? peers.map((other) => [other, ratios(figures, found.get(other)!, "tokensPerSecond")]) : [],
    );
    say(
      [
        name.padEnd(10),
        `${spread(of("tokensPerSecond"))} tokens/s`,
        `${(Math.max(...of("peakRssBytes")) / 1e9).toFixed(2)} GB`,
        ...(isPlan ? [`first step after ${spread(of("secondsToFirstStep"), 1)} s`] : []),
        ...Object.entries(against).map(([other, ratio]) => `${spread(ratio, 2)} x ${other}`),
      ].join("  "),
    );
    if (values.json && isPlan) {
      const line = {
        plan: name,
        tokensPerSecond: median(of("tokensPerSecond")),
        tokensPerSecondRange: [Math.min(...of("tokensPerSecond")), Math.max(...of("tokensPerSecond"))],
        peakRssBytes: Math.max(...of("peakRssBytes")),
        secondsToFirstStep: median(of("secondsToFirstStep")),
        cpuSecondsPerStep: median(of("cpuSecondsPerStep")),
        ratios: Object.fromEntries(Object.entries(against).map(([other, ratio]) => [other, median(ratio)])),
      };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
  }
}

/** How the time of a step grows with one size, by the plan that keeps activations. */
function scaling(option: string, sizes: readonly string[], title: string): void {
  say(`\nScaling: ${title}, plan layerwise`);
  const found = inTurn(
    Object.fromEntries(
      sizes.map((size) => [size, () => ours("step.js", ["layerwise", "--steps", values.steps, `--${option}`, size])]),
    ),
  );
  const first = found.get(sizes[0]!)!;
  for (const [size, figures] of found) {
    const perToken = ratios(first, figures, "tokensPerSecond");
    say(
      `${option} ${size.padEnd(4)} ${spread(figures.map((figure) => figure["tokensPerSecond"]!))} tokens/s  time per token x ${spread(perToken, 2)}`,
    );
  }
}

function evaluation(): void {
  say("\nEvaluation: prompts of 118 tokens, 58 of them the persona's, 4 options");
  const peers = available({ evaluation: "transformers" });
  const found = inTurn({
    ...Object.fromEntries(
      ["1", "4", "8", "24"].map((questions) => [
        `${questions} questions per person`,
        () => ours("evaluation.js", ["--questions", questions]),
      ]),
    ),
    ...Object.fromEntries(peers.map((name) => ["original", () => peer(name, ["--tokens", "118"])])),
  });
  for (const [name, figures] of found) {
    const other = name === "original" ? undefined : found.get("original");
    say(
      [
        name.padEnd(24),
        `${spread(
          figures.map((figure) => figure["examplesPerSecond"]!),
          1,
        )} examples/s`,
        ...(other ? [`${spread(ratios(figures, other, "examplesPerSecond"), 2)} x original`] : []),
      ].join("  "),
    );
  }
}

/** A measurement with nothing beside it. */
function single(title: string, script: string, args: readonly string[]): void {
  say(`\n${title}`);
  for (const [key, numbers] of Object.entries(collect(inTurn({ it: () => ours(script, args) }).get("it")!))) {
    say(`${key.padEnd(24)} ${spread(numbers, 3)}`);
  }
}

function collect(figures: readonly Figures[]): Record<string, number[]> {
  return Object.fromEntries(Object.keys(figures[0]!).map((key) => [key, figures.map((figure) => figure[key]!)]));
}

const chosen = values.only === "" ? sectionNames : values.only.split(",");
for (const name of chosen) {
  if (!sectionNames.includes(name as SectionName)) {
    throw new Error(`--only ${name}: expected some of ${sectionNames.join(", ")}`);
  }
}
// The JSON lines are those of the plans.
for (const name of values.json && values.only === "" ? (["step"] as const) : chosen) sections[name as SectionName]();
