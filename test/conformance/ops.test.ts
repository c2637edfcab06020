import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";
import { Graph, program, type Precision } from "../../src/core/graph/index.ts";
import { add, ops, reshape, scatterAdd, unpick, type OpName } from "../../src/core/ops/index.ts";
import { cases } from "./cases.ts";
import { buildCase, engines, expectAgreement, expectGradients, run } from "./checks.ts";

/** Operations that ONNX Runtime cannot do in a precision: using them must be an error that says so. */
const withoutKernel: Record<Precision, OpName[]> = { float32: [], float64: ["erf"] };

describe.each(Object.keys(ops) as OpName[])("%s", (name) => {
  it("has a gradient that central differences confirm", () => expectGradients(cases[name]));

  it.each(engines)("agrees with the reference on $engine.name $engine.precision", async (tested) => {
    if (withoutKernel[tested.engine.precision].includes(name)) {
      const [one] = fc.sample(cases[name], 1);
      await expect(run(tested.engine, buildCase(one!, false))).rejects.toThrow(/no float64 kernel/);
      return;
    }
    await expectAgreement(tested, cases[name]);
  });
});

/** Sums over threads and over rows that come twice: whole numbers, so that their order does not matter. */
describe("sums into rows lose nothing with two threads", () => {
  const engine = onnxRuntimeEngine({ threads: 2 });
  const COUNT = 2000;
  const WIDTH = 1000;
  const updates = { shape: [COUNT, WIDTH], data: Float32Array.from({ length: COUNT * WIDTH }, (_, i) => i % 7) };
  it.each([
    ["few rows", 3, 3],
    ["many rows", 600, 600],
    ["a number of rows that is known when it runs", "N", 3],
  ] as const)("%s", async (_name, declared, rows) => {
    const index = { shape: [COUNT], data: Int32Array.from({ length: COUNT }, (_, i) => (i * i) % rows) };
    const expected = new Float32Array(rows * WIDTH);
    updates.data.forEach((x, i) => (expected[index.data[Math.floor(i / WIDTH)]! * WIDTH + (i % WIDTH)]! += x));
    const graph = new Graph();
    const input = graph.input("updates", "float", [COUNT, WIDTH]);
    const sums = scatterAdd(input, graph.input("index", "int", [COUNT]), declared);
    // The symbol is read off an input.
    const like = graph.input("like", "float", [declared]);
    const y = add(sums, reshape(like, [declared, 1]));
    const executable = await engine.compile(program({ y }));
    const likeRows = { shape: [rows], data: new Float32Array(rows) };
    for (let time = 0; time < 5; time++) {
      const out = await executable.run({ updates, index, like: likeRows });
      expect(Buffer.from(out["y"]!.data.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
    }
    await executable.dispose();
  });

  it("single elements", async () => {
    const N = 200_000;
    const graph = new Graph();
    const [row, column] = ["row", "column"].map((name) => graph.input(name, "int", [N]));
    const y = unpick(graph.input("x", "float", [N]), row!, column!, [2, 3]);
    const executable = await engine.compile(program({ y }));
    const ones = { shape: [N], data: new Float32Array(N).fill(1) };
    const counts = [0, 0, 0, 0, 0, 0];
    const at = (of: (i: number) => number) => ({ shape: [N], data: Int32Array.from({ length: N }, (_, i) => of(i)) });
    for (let i = 0; i < N; i++) counts[(i % 2) * 3 + (i % 3)]!++;
    for (let time = 0; time < 5; time++) {
      const out = await executable.run({ x: ones, row: at((i) => i % 2), column: at((i) => i % 3) });
      expect(Array.from(out["y"]!.data)).toEqual(counts);
    }
    await executable.dispose();
  });
});
