/**
 * Many experts are computed by groups of tokens, few for every token. A rank that is padded with zeros makes the one of the other,
 * and must change neither the loss nor a gradient.
 */
import { expect, test } from "vitest";
import type { Engine } from "../../src/core/engine/index.ts";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";
import { referenceEngine } from "../../src/core/engine/reference.ts";
import { makeBatch } from "../../src/core/decoder/index.ts";
import { makePlan, ParameterStore, sft, type PlanName } from "../../src/core/train/index.ts";
import { Rng } from "../../src/core/util/index.ts";
import { randomAdapter, randomWeights, tinyConfig } from "../support/tinyModel.ts";

const E = 64;
const RANK = 2;
const PADDED = 4;
const WIDTH = 5;
const weights = randomWeights(tinyConfig, 1);
const settings = { numExperts: E, topK: 3, routerHidden: 6, targetModules: ["q_proj", "v_proj", "down_proj"] };
const rng = new Rng(3, "many experts");
const sequences = [11, 6, 1].map((length) => ({
  ids: Array.from({ length }, () => rng.below(tinyConfig.vocabSize)),
}));
const profile = { shape: [3, WIDTH], data: Float64Array.from({ length: 3 * WIDTH }, () => rng.normal()) };

function adapterOf(rank: number) {
  const { adapter, parameters } = randomAdapter(
    "cuma",
    { ...settings, r: rank, loraAlpha: 3 * rank },
    tinyConfig,
    WIDTH,
    2,
  );
  return { adapter, parameters };
}

/** Index in a padded matrix of experts [E * PADDED, width] of an element of one [E * RANK, width]. */
function padded(i: number, width: number): number {
  const row = Math.floor(i / width);
  return (Math.floor(row / RANK) * PADDED + (row % RANK)) * width + (i % width);
}

async function stepOf(engine: Engine, plan: PlanName, { adapter, parameters }: ReturnType<typeof adapterOf>) {
  const used = new Set<string>();
  const watching: Engine = {
    ...engine,
    compile(program) {
      for (const { op } of program.nodes) used.add(op.name);
      return engine.compile(program);
    },
  };
  const own = new ParameterStore(adapter.parameters, engine.precision);
  own.flat.set(parameters.flat);
  const gradients = new ParameterStore(adapter.parameters, engine.precision);
  const model = { config: tinyConfig, weights, adapter, objective: sft, parameters: own, projection: undefined };
  const training = await makePlan(plan, { engine: watching, ...model });
  const batch = makeBatch(sequences, { precision: engine.precision });
  const { loss } = await training.step(
    {
      batch,
      profile,
      labels: {
        rows: Int32Array.of(9, batch.tokens + 4),
        row: Int32Array.of(0, 1),
        token: Int32Array.of(7, 8),
      },
      feeds: { weight: { shape: [2], data: Float64Array.of(0.5, 0.5) } },
      lossScales: { loadBalance: 0.01 },
    },
    gradients,
  );
  await training.dispose();
  return { loss, gradients, used };
}

const float32 = onnxRuntimeEngine({ threads: 1 });
test.each<[string, PlanName, Engine, number]>([
  ["onnxruntime, whole", "whole", float32, 1e-5],
  ["onnxruntime, layerwise", "layerwise", float32, 1e-5],
  ["onnxruntime, recompute", "recompute", float32, 1e-5],
  ["reference, layerwise", "layerwise", referenceEngine, 1e-10],
])("%s", async (_name, plan, engine, tolerance) => {
  const dense = adapterOf(RANK);
  const sparse = adapterOf(PADDED);
  for (const { name, shape } of dense.adapter.parameters) {
    const from = dense.parameters.views[name]!.data;
    const into = sparse.parameters.views[name]!.data;
    const experts = name.includes("lora_");
    if (experts) into.fill(0);
    for (const [i, value] of from.entries()) into[experts ? padded(i, shape[1] as number) : i] = value;
  }
  const expected = await stepOf(engine, plan, dense);
  const found = await stepOf(engine, plan, sparse);
  expect([expected.used.has("dispatch"), found.used.has("dispatch")]).toEqual([false, true]);

  expect(Math.abs(found.loss / expected.loss - 1)).toBeLessThan(tolerance);
  for (const { name, shape } of dense.adapter.parameters) {
    const want = expected.gradients.views[name]!.data;
    const all = found.gradients.views[name]!.data;
    const scale = Math.max(...want.map(Math.abs));
    expect(scale, name).toBeGreaterThan(0);
    const places = Array.from(want, (_, i) => (name.includes("lora_") ? padded(i, shape[1] as number) : i));
    for (const [i, at] of places.entries()) {
      expect(Math.abs(all[at]! - want[i]!), `${name} ${i}`).toBeLessThan(10 * tolerance * scale);
    }
    const rest = new Set(places);
    expect(
      all.every((value, i) => rest.has(i) || value === 0),
      name,
    ).toBe(true);
  }
});
