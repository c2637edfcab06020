/**
 * CONTRIBUTING.md says that an adapter and an objective are a file each. Here are one of either that no table knows: whatever the
 * machine needs of them is in their files.
 */
import { describe, expect, test } from "vitest";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";
import type { Engine } from "../../src/core/engine/index.ts";
import { referenceEngine } from "../../src/core/engine/reference.ts";
import { baseShapes, Decoder, linearSites, makeBatch } from "../../src/core/decoder/index.ts";
import {
  AdamW,
  adamWDefaults,
  makePlan,
  ParameterStore,
  placeLabels,
  planNames,
  runTraining,
  ScheduledFeed,
  type LogEntry,
  type PlanName,
} from "../../src/core/train/index.ts";
import { Rng } from "../../src/core/util/index.ts";
import { randomWeights, tinyConfig } from "../support/tinyModel.ts";
import { magnitude } from "./magnitude.ts";
import { pairs, type Pair } from "./pairs.ts";

const weights = randomWeights(tinyConfig, 1);
const adapter = magnitude.fit(
  { method: "magnitude", targetModules: ["v_proj", "up_proj"] },
  { sites: linearSites(tinyConfig), baseShapes: baseShapes(tinyConfig), profileWidth: 0 },
);
const float32 = onnxRuntimeEngine({ threads: 1 });
const DRIFT = 0.1;

const rng = new Rng(5, "pairs");
const tokens = (length: number): number[] => Array.from({ length }, () => rng.below(tinyConfig.vocabSize));
const examples = Array.from({ length: 12 }, (_, i): Pair => {
  const [prompt, chosen, rejected] = [tokens(3 + (i % 4)), tokens(1 + (i % 3)), tokens(1 + (i % 2))];
  return { id: String(i), prompt, chosen, rejected };
});

function parametersOf(engine: Engine): ParameterStore {
  const parameters = new ParameterStore(adapter.parameters, engine.precision);
  parameters.initialise(0, weights);
  return parameters;
}

async function stepper(engine: Engine, plan: PlanName, parameters: ParameterStore) {
  const model = { engine, config: tinyConfig, weights, adapter, objective: pairs, parameters, projection: undefined };
  const training = await makePlan(plan, model);
  const { trees, labels, feeds } = pairs.collate(examples.slice(0, 4), examples.slice(0, 4));
  const batch = makeBatch(trees, { precision: engine.precision });
  const gradients = new ParameterStore(adapter.parameters, engine.precision);
  const inputs = {
    batch,
    labels: placeLabels(labels, batch),
    feeds,
    profile: undefined,
    lossScales: { drift: DRIFT },
  };
  return {
    gradients,
    /** The total, and what is logged. */
    step: async () => {
      const { loss, losses, logged } = await training.step(inputs, gradients);
      return { total: loss + DRIFT * losses.reduce((sum, { value }) => sum + value, 0), losses, logged };
    },
  };
}

/** Away from the start, where no loss has a gradient of 0. */
function shaken(engine: Engine): ParameterStore {
  const parameters = parametersOf(engine);
  const noise = new Rng(6, "shaken");
  for (let i = 0; i < parameters.flat.length; i++) parameters.flat[i]! *= 1 + 0.1 * noise.normal();
  return parameters;
}

describe("an adapter and an objective from outside of the tables", () => {
  test("the untrained adapter is the base, and the margin that of the answers' likelihoods", async () => {
    const { step } = await stepper(referenceEngine, "layerwise", parametersOf(referenceEngine));
    const { logged, losses } = await step();
    expect(losses.map(({ name }) => name)).toEqual(Array.from({ length: 2 * tinyConfig.numLayers }, () => "drift"));
    for (const { value } of losses) expect(value).toBeLessThan(1e-12);

    const decoder = new Decoder(referenceEngine, { config: tinyConfig, weights });
    const logLikelihood = async (prompt: readonly number[], answer: readonly number[]): Promise<number> => {
      const batch = makeBatch([{ ids: [...prompt, ...answer] }], { precision: "float64" });
      const rows = Int32Array.from(answer, (_, i) => prompt.length - 1 + i);
      const { hidden } = await decoder.forward(batch, { rows });
      const each = await decoder.logProbs(hidden, Int32Array.from(rows.keys()), Int32Array.from(answer));
      return Array.from(each).reduce((a, b) => a + b, 0);
    };
    let margin = 0;
    for (const { prompt, chosen, rejected } of examples.slice(0, 4)) {
      margin += ((await logLikelihood(prompt, chosen)) - (await logLikelihood(prompt, rejected))) / 4;
    }
    expect(logged["margin"]).toBeCloseTo(margin, 6);
  });

  test("gradients are central differences", async () => {
    const parameters = shaken(referenceEngine);
    const { step, gradients } = await stepper(referenceEngine, "layerwise", parameters);
    await step();
    const found = gradients.flat.slice();
    const h = 1e-5;
    for (let i = 0; i < found.length; i += 17) {
      const at = parameters.flat[i]!;
      const totalAt = async (value: number): Promise<number> => {
        parameters.flat[i] = value;
        return (await step()).total;
      };
      const expected = ((await totalAt(at + h)) - (await totalAt(at - h))) / (2 * h);
      parameters.flat[i] = at;
      expect(Math.abs(found[i]! - expected), String(i)).toBeLessThan(1e-7 + 1e-5 * Math.abs(expected));
    }
  });

  test.each(planNames)("the plan %s has the exact losses and gradients", async (plan) => {
    const exact = await stepper(referenceEngine, "layerwise", shaken(referenceEngine));
    const own = await stepper(float32, plan, shaken(float32));
    const [expected, found] = [await exact.step(), await own.step()];
    expect(found.total).toBeCloseTo(expected.total, 5);
    expect(found.logged["margin"]).toBeCloseTo(expected.logged["margin"]!, 4);
    const scale = Math.max(...exact.gradients.flat.map(Math.abs));
    for (const [i, gradient] of exact.gradients.flat.entries()) {
      expect(Math.abs(own.gradients.flat[i]! - gradient), String(i)).toBeLessThan(1e-4 * scale);
    }
  });

  test("train: chosen answers become likelier, and the log says what both let be seen", async () => {
    const parameters = parametersOf(float32);
    const settings = { batchSize: 3, accumulate: 2, epochs: 20, maxSteps: null, seed: 1 };
    const feed = new ScheduledFeed({ length: examples.length, at: (i) => examples[i]! }, pairs, settings);
    const model = { config: tinyConfig, weights, adapter, objective: pairs, parameters, projection: undefined };
    const plan = await makePlan("layerwise", { engine: float32, ...model });
    const entries: LogEntry[] = [];
    const warnings: string[] = [];
    await runTraining(
      {
        plan,
        adapter,
        parameters,
        optimizer: new AdamW(parameters, adamWDefaults),
        objective: pairs,
        feed,
        vectors: null,
        settings: {
          lr: 0.02,
          schedule: "constant",
          warmup: 0,
          clipNorm: 1,
          lossScales: { drift: DRIFT },
          seed: 1,
          saveEvery: 1000,
        },
        precision: "float32",
      },
      {
        startStep: 0,
        signal: new AbortController().signal,
        onStep: (entry) => entries.push(entry),
        onWarning: ({ message }) => warnings.push(message),
        save: () => Promise.resolve(),
        lastSave: () => null,
      },
    );
    const mean = (key: "loss" | "margin", part: readonly LogEntry[]): number =>
      part.reduce((sum, entry) => sum + (entry[key] as number), 0) / part.length;
    expect(entries).toHaveLength(40);
    expect(mean("loss", entries.slice(-2))).toBeLessThan(mean("loss", entries.slice(0, 2)) - 0.1);
    expect(mean("margin", entries.slice(-2))).toBeGreaterThan(mean("margin", entries.slice(0, 2)));
    expect(entries[0]!.auxLoss).toBeLessThan(1e-9);
    expect(entries.at(-1)!.auxLoss).toBeGreaterThan(1e-6);
    expect(entries.at(-1)!["ratios"]).toHaveLength(2 * tinyConfig.numLayers);
    expect(warnings).toContain("an output grows");
  });
});
