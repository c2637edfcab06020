/** What every operation and every engine is held to, whether a table knows it or not. */
import fc from "fast-check";
import { expect } from "vitest";
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
  type Program,
  type Value,
} from "../../src/core/graph/index.ts";
import { mul, reduceSum } from "../../src/core/ops/index.ts";
import { Rng } from "../../src/core/util/index.ts";
import type { Case } from "./cases.ts";

/** An engine, and how far from the float64 kernels it may be: absolute below 1, and relative to the largest element above. */
export interface TestedEngine {
  readonly engine: Engine;
  readonly tolerance: number;
}

export const engines: readonly TestedEngine[] = [
  { engine: onnxRuntimeEngine({ threads: 1 }), tolerance: 2e-5 },
  { engine: onnxRuntimeEngine({ threads: 1, fused: false }), tolerance: 2e-5 },
  { engine: onnxRuntimeEngine({ threads: 1, precision: "float64" }), tolerance: 1e-11 },
];

/** Checks 25 random applications, half of them with sizes that are not known when the graph is built. */
function checkCases(cases: fc.Arbitrary<Case>, seed: number, check: (built: Built) => Promise<void>): Promise<void> {
  return fc.assert(
    fc.asyncProperty(cases, fc.boolean(), (c, symbolic) => check(buildCase(c, symbolic))),
    { seed, numRuns: 25 },
  );
}

/** Whether central differences confirm the gradients of the float64 kernels. */
export function expectGradients(cases: fc.Arbitrary<Case>): Promise<void> {
  return checkCases(cases, 1, async (b) => {
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
  });
}

/** Whether an engine gives the values and the gradients of the float64 kernels. */
export function expectAgreement({ engine, tolerance }: TestedEngine, cases: fc.Arbitrary<Case>): Promise<void> {
  return checkCases(cases, 2, async (b) => {
    const [actual, expected] = await Promise.all([run(engine, b), run(referenceEngine, b)]);
    for (const key of Object.keys(expected)) expectClose(actual[key]!, expected[key]!, tolerance, key);
  });
}

/** The output of the case, and the gradient of sum(output * cotangent) with respect to its differentiable inputs. */
interface Built {
  readonly program: Program;
  readonly feeds: Feeds;
  readonly differentiable: readonly number[];
}

export function buildCase({ inputs, known = [], build, differentiable }: Case, symbolic: boolean): Built {
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

export async function run(engine: Engine, { program, feeds }: Built): Promise<Feeds> {
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
