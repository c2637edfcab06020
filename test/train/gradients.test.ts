import { describe, expect, it } from "vitest";
import { adapters, type AdapterName } from "../../adapters/index.ts";
import type { Engine } from "../../src/core/engine/index.ts";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";
import { referenceEngine } from "../../src/core/engine/reference.ts";
import { readJson } from "../../src/core/io/index.ts";
import { baseShapes, linearSites, makeBatch, parseConfig } from "../../src/core/decoder/index.ts";
import { folderFiles, loadWeights } from "../../src/core/checkpoint/index.ts";
import {
  AdamW,
  adamWDefaults,
  clipByNorm,
  makePlan,
  ParameterStore,
  planNames,
  sft,
  type Labels,
  type PlanName,
  type StepInputs,
} from "../../src/core/train/index.ts";
import { golden, goldenJson, readExact, relativeError } from "../support/golden.ts";

interface Case {
  readonly case: string;
  readonly config: Record<string, unknown> & { method: AdapterName; profileWidth: number; loadBalance?: number };
  readonly labels?: number[][];
  readonly softTargets?: { sequence: number; position: number; ids: number[]; probabilities: number[] }[];
  readonly taskLoss: number;
  readonly auxLoss: number;
  readonly totalLoss: number;
  readonly steps?: Record<"decayAll" | "decayMatrices", { totalLosses: number[]; gradNorms: number[] }>;
}

const file = goldenJson("training/expected.json") as {
  base: string;
  sequences: number[][];
  lengths: number[];
  profiles: number[][];
  cases: Case[];
};
const folder = golden(`training/${file.base}`);
const config = parseConfig(readJson(`${folder}/config.json`), "config.json");
const weights = loadWeights(folderFiles(folder), baseShapes(config));

async function setUp(
  engine: Engine,
  plan: PlanName,
  { case: name, config: { profileWidth, loadBalance = 0, ...method }, ...golden_ }: Case,
) {
  const adapter = adapters[method.method].fit(method, {
    sites: linearSites(config),
    baseShapes: baseShapes(config),
    profileWidth,
  });
  const exact = readExact(golden(`training/${name}.safetensors`));
  const parameters = new ParameterStore(adapter.parameters, engine.precision);
  for (const spec of adapter.parameters) parameters.views[spec.name]!.data.set(exact.get(`param.${spec.name}`)!);
  const gradients = new ParameterStore(adapter.parameters, engine.precision);
  const training = await makePlan(plan, {
    engine,
    config,
    weights,
    adapter,
    objective: sft,
    parameters,
    projection: undefined,
  });
  const batch = makeBatch(
    file.lengths.map((length, i) => ({ ids: file.sequences[i]!.slice(0, length) })),
    { precision: engine.precision },
  );
  const inputs = {
    batch,
    ...(golden_.labels ? hardLabels(golden_.labels, batch.tokens) : softLabels(golden_.softTargets!, batch.tokens)),
    profile:
      adapter.profileWidth > 0
        ? { shape: [file.lengths.length, profileWidth], data: Float64Array.from(file.profiles.flat()) }
        : undefined,
    lossScales: { loadBalance },
  };
  return { adapter, parameters, gradients, exact, loadBalance, step: () => training.step(inputs, gradients) };
}

/** Labels, and the weights that the objective asks for. */
type Labelled = Pick<StepInputs, "labels" | "feeds">;

function labelled(labels: Labels, weight: Float64Array): Labelled {
  return { labels, feeds: { weight: { shape: [weight.length], data: weight } } };
}

function hardLabels(labels: number[][], tokens: number): Labelled {
  const found = labels.flatMap((row, b) =>
    row.flatMap((token, t) => (token < 0 ? [] : [{ at: b * tokens + t - 1, token }])),
  );
  return labelled(
    {
      rows: Int32Array.from(found, ({ at }) => at),
      row: Int32Array.from(found, (_, i) => i),
      token: Int32Array.from(found, ({ token }) => token),
    },
    new Float64Array(found.length).fill(1 / found.length),
  );
}

function softLabels(targets: NonNullable<Case["softTargets"]>, tokens: number): Labelled {
  const found = targets.flatMap(({ ids, probabilities }, row) =>
    ids.map((token, i) => ({ row, token, weight: probabilities[i]! / targets.length })),
  );
  return labelled(
    {
      rows: Int32Array.from(targets, ({ sequence, position }) => sequence * tokens + position - 1),
      row: Int32Array.from(found, ({ row }) => row),
      token: Int32Array.from(found, ({ token }) => token),
    },
    Float64Array.from(found, ({ weight }) => weight),
  );
}

function sum(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}

const float32 = onnxRuntimeEngine({ threads: 1 });
const runs = [
  ...planNames.map((plan) => ({ plan, engine: float32, label: `onnxruntime float32, ${plan}`, tolerance: 1e-5 })),
  {
    plan: "whole" as const,
    engine: onnxRuntimeEngine({ threads: 1, precision: "float64" }),
    label: "onnxruntime float64, whole",
    // ONNX keeps attributes such as the epsilon of a norm in float32.
    tolerance: 1e-6,
  },
  { plan: "layerwise" as const, engine: referenceEngine, label: "reference float64, layerwise", tolerance: 1e-8 },
];

describe.each(runs)("PyTorch's losses and gradients: $label", ({ plan, engine, tolerance }) => {
  it.each(file.cases.map((c) => [c.case, c] as const))("%s", async (_name, expected) => {
    const { adapter, gradients, exact, step } = await setUp(engine, plan, expected);
    const { loss, losses } = await step();
    expect(Math.abs(loss / expected.taskLoss - 1)).toBeLessThan(tolerance);
    const aux = losses.reduce((sum, { value }) => sum + value, 0);
    expect(Math.abs(aux - expected.auxLoss)).toBeLessThan(tolerance * Math.max(1, expected.auxLoss));
    let squaredError = 0;
    let squares = 0;
    for (const { name } of adapter.parameters) {
      const want = exact.get(`grad.${name}`)!;
      const found = gradients.views[name]!.data;
      expect(found).toHaveLength(want.length);
      const own = want.map((x, i) => x - found[i]!);
      squaredError += sum(own.map((x) => x * x));
      squares += sum(want.map((x) => x * x));
      // A gradient that is nearly 0 is a difference of larger numbers: only its absolute error says something.
      if (Math.max(...want.map(Math.abs)) > 1e-6) expect(relativeError(found, want), name).toBeLessThan(10 * tolerance);
    }
    expect(Math.sqrt(squaredError / squares)).toBeLessThan(tolerance);
  });
});

const trajectories = [
  { engine: float32, label: "onnxruntime float32", tolerance: 1e-4 },
  { engine: referenceEngine, label: "reference float64", tolerance: 1e-7 },
];

describe.each(trajectories)("ten AdamW steps: $label", ({ engine, tolerance }) => {
  const cases = file.cases.flatMap((c) =>
    (["decayAll", "decayMatrices"] as const).map((decay) => [c.case, decay, c] as const),
  );
  it.each(cases.filter(([, , c]) => c.steps))("%s, %s", async (_name, decay, expected) => {
    const { parameters, gradients, loadBalance, step } = await setUp(engine, "layerwise", expected);
    const optimizer = new AdamW(parameters, { ...adamWDefaults, weightDecay: 0.01, decayAll: decay === "decayAll" });
    const { totalLosses, gradNorms } = expected.steps![decay];
    for (const [k, want] of totalLosses.entries()) {
      const { loss, losses } = await step();
      const total = loss + loadBalance * losses.reduce((sum, { value }) => sum + value, 0);
      expect(Math.abs(total - want)).toBeLessThan(tolerance);
      expect(Math.abs(clipByNorm(gradients.flat, 1) / gradNorms[k]! - 1)).toBeLessThan(10 * tolerance);
      optimizer.step(gradients.flat, 3e-3, k + 1);
    }
  });
});
