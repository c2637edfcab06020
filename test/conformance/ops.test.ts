import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { grad } from "../../src/core/autodiff/index.ts";
import type { Engine } from "../../src/core/engine/index.ts";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";
import { referenceEngine } from "../../src/core/engine/reference.ts";
import {
  evaluate,
  Graph,
  program,
  sizeOf,
  type Dim,
  type Feeds,
  type HostTensor,
  type Precision,
  type Program,
  type Value,
} from "../../src/core/graph/index.ts";
import { add, mul, ops, reduceSum, reshape, scatterAdd, unpick, type OpName } from "../../src/core/ops/index.ts";
import { Rng } from "../../src/core/util/index.ts";
import { cases, type Case } from "./cases.ts";

const engines: { engine: Engine; tolerance: number }[] = [
  { engine: onnxRuntimeEngine({ threads: 1 }), tolerance: 2e-5 },
  { engine: onnxRuntimeEngine({ threads: 1, fused: false }), tolerance: 2e-5 },
  { engine: onnxRuntimeEngine({ threads: 1, precision: "float64" }), tolerance: 1e-11 },
];

/** Operations that ONNX Runtime cannot do in a precision: using them must be an error that says so. */
const withoutKernel: Record<Precision, OpName[]> = { float32: [], float64: ["erf"] };

/** The output of the case, and the gradient of sum(output * cotangent) with respect to its differentiable inputs. */
interface Built {
  readonly program: Program;
  readonly feeds: Feeds;
  readonly differentiable: readonly number[];
}

function buildCase({ inputs, known = [], build, differentiable }: Case, symbolic: boolean): Built {
  const graph = new Graph();
  // An axis of size 1 may be there to broadcast, so it keeps its number; equal sizes get equal symbols.
  const declared = inputs.map(({ shape }, i) =>
    shape.map((size, axis): Dim => (!symbolic || size === 1 || known[i]?.includes(axis) ? size : `D${size}`)),
  );
  const values = inputs.map(({ data }, i) =>
    graph.input(`x${i}`, data instanceof Int32Array ? "int" : "float", declared[i]!),
  );
  const y = build(values);
  const cotangent = graph.input("r", "float", y.shape);
  const wrt = differentiable ?? inputs.flatMap(({ data }, i) => (data instanceof Int32Array ? [] : [i]));
  const outputs: Record<string, Value> = { y };
  const loss = reduceSum(mul(y, cotangent));
  outputs["loss"] = loss;
  grad(
    [{ value: loss }],
    wrt.map((i) => values[i]!),
  ).forEach((g, k) => (outputs[`d${wrt[k]!}`] = g));
  const shape = y.shape.map((dim) => evaluate(dim, sizes)!);
  const rng = new Rng(7);
  const r = Float64Array.from({ length: sizeOf(shape) }, () => rng.normal());
  return {
    program: program(outputs),
    feeds: { ...Object.fromEntries(inputs.map((x, i) => [`x${i}`, x])), r: { shape, data: r } },
    differentiable: wrt,
  };
}

/** Sizes of the symbols of `buildCase`: D3 is 3. */
const sizes = new Map(Array.from({ length: 100 }, (_, n) => [`D${n}`, n]));

async function run(engine: Engine, { program, feeds }: Built): Promise<Feeds> {
  const executable = await engine.compile(program);
  const out = await executable.run(feeds);
  await executable.dispose();
  return out;
}

function expectClose(actual: HostTensor, expected: HostTensor, tolerance: number, what: string): void {
  expect(actual.shape, what).toEqual(expected.shape);
  let scale = 1;
  for (const x of expected.data) scale = Math.max(scale, Math.abs(x));
  for (let i = 0; i < expected.data.length; i++) {
    const error = Math.abs(actual.data[i]! - expected.data[i]!) / scale;
    if (!(error <= tolerance)) expect.fail(`${what}[${i}]: expected ${expected.data[i]}, got ${actual.data[i]}`);
  }
}

describe.each(Object.keys(ops) as OpName[])("%s", (name) => {
  const checks = (check: (built: Built) => Promise<void>, seed: number): Promise<void> =>
    fc.assert(
      fc.asyncProperty(cases[name], fc.boolean(), (c, symbolic) => check(buildCase(c, symbolic))),
      { seed, numRuns: 25 },
    );

  it("has a gradient that central differences confirm", async () => {
    await checks(async (b) => {
      const executable = await referenceEngine.compile(b.program);
      const out = await executable.run(b.feeds);
      for (const i of b.differentiable) {
        const input = b.feeds[`x${i}`]!;
        const lossAt = async (k: number, delta: number): Promise<number> => {
          const data = Float64Array.from(input.data);
          data[k]! += delta;
          return (await executable.run({ ...b.feeds, [`x${i}`]: { ...input, data } }))["loss"]!.data[0]!;
        };
        const slope = Float64Array.from(input.data);
        for (let k = 0; k < slope.length; k++) slope[k] = ((await lossAt(k, 1e-5)) - (await lossAt(k, -1e-5))) / 2e-5;
        expectClose(out[`d${i}`]!, { shape: input.shape, data: slope }, 1e-7, `d${i}`);
      }
    }, 1);
  });

  it.each(engines)("agrees with the reference on $engine.name $engine.precision", async ({ engine, tolerance }) => {
    if (withoutKernel[engine.precision].includes(name)) {
      await expect(run(engine, buildCase(fc.sample(cases[name], 1)[0]!, false))).rejects.toThrow(/no float64 kernel/);
      return;
    }
    await checks(async (b) => {
      const [actual, expected] = await Promise.all([run(engine, b), run(referenceEngine, b)]);
      for (const key of Object.keys(expected)) expectClose(actual[key]!, expected[key]!, tolerance, key);
    }, 2);
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
