/** CONTRIBUTING.md says that an engine is one file. Here is one that no table knows. */
import { describe, expect, it } from "vitest";
import { Decoder, makeBatch } from "../../src/core/decoder/index.ts";
import type { Engine } from "../../src/core/engine/index.ts";
import { referenceEngine } from "../../src/core/engine/reference.ts";
import { Graph, program } from "../../src/core/graph/index.ts";
import { add, mul, ops, type OpName } from "../../src/core/ops/index.ts";
import { cases } from "../conformance/cases.ts";
import { expectAgreement } from "../conformance/checks.ts";
import { randomAdapter, randomWeights, tinyConfig } from "../support/tinyModel.ts";
import { float32Engine } from "./float32Engine.ts";

describe("an engine from outside of the table", () => {
  it.each(Object.keys(ops) as OpName[])("agrees with the reference: %s", (name) =>
    expectAgreement({ engine: float32Engine, tolerance: 2e-5 }, cases[name]),
  );

  it("keeps what is bound, as it was then, writes where it is told, and names the feed that is missing", async () => {
    const graph = new Graph();
    const input = (name: string) => graph.input(name, "float", [2]);
    const y = add(mul(input("x"), input("scale")), input("shift"));
    const executable = await float32Engine.compile(program({ y }));
    const vector = (...values: number[]) => ({ shape: [2], data: Float64Array.from(values) });
    const kept = vector(2, 3);
    const bound = executable.bind({ scale: kept }).bind({ shift: vector(0.1, 0.1) });
    kept.data.fill(NaN);
    const into = { y: { shape: [2], data: new Float32Array(2) } };
    const found = await bound.run({ x: vector(10, 20) }, into);
    expect(found["y"]).toBe(into.y);
    expect([...into.y.data]).toEqual([20.1, 60.1].map(Math.fround));
    await bound.dispose();
    await expect(executable.run({ x: kept, scale: kept })).rejects.toThrow('feed "shift" is missing');
  });

  it("runs a decoder with an adapter, with weights that are bound once", async () => {
    const weights = randomWeights(tinyConfig, 1);
    const { adapter, parameters } = randomAdapter("lora", { r: 3 }, tinyConfig, 0, 2);
    const logitsOn = async (engine: Engine) => {
      const decoder = new Decoder(engine, { config: tinyConfig, weights, adapter, parameters: parameters.views });
      const batch = makeBatch([{ ids: [1, 2, 3, 4] }, { ids: [5, 6] }], { precision: engine.precision });
      const { hidden } = await decoder.forward(batch, { rows: Int32Array.of(3, 5) });
      const { data } = await decoder.logits(hidden);
      await decoder.dispose();
      return data;
    };
    const [found, exact] = [await logitsOn(float32Engine), await logitsOn(referenceEngine)];
    expect(found).toBeInstanceOf(Float32Array);
    expect(found).toHaveLength(2 * tinyConfig.vocabSize);
    const errors = Array.from(exact, (x, i) => Math.abs(x - found[i]!));
    expect(Math.max(...errors)).toBeLessThan(1e-4);
    // It computes in float32 indeed.
    expect(Math.max(...errors)).toBeGreaterThan(0);
  });
});
