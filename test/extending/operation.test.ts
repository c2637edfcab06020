/** CONTRIBUTING.md says that an operation is one file. Here is one that no table knows, held to what those in the table are. */
import { describe, expect, it } from "vitest";
import { referenceEngine } from "../../src/core/engine/reference.ts";
import { Graph, program } from "../../src/core/graph/index.ts";
import { floats, shape, type Case } from "../conformance/cases.ts";
import { engines, expectAgreement, expectGradients } from "../conformance/checks.ts";
import { float32Engine } from "./float32Engine.ts";
import { logSumExp } from "./logSumExp.ts";

const cases = shape(1, 3)
  .chain((dims) => floats(dims))
  .map((x): Case => ({ inputs: [x], build: ([v]) => logSumExp(v!) }));

describe("an operation from outside of the table", () => {
  it("has the values of its formula, where powers overflow too", async () => {
    const graph = new Graph();
    const executable = await referenceEngine.compile(program({ y: logSumExp(graph.input("x", "float", [2, 3])) }));
    const x = { shape: [2, 3], data: Float64Array.of(0, Math.log(2), Math.log(3), 1000, 1000, -1000) };
    const { y } = await executable.run({ x });
    expect(y!.shape).toEqual([2, 1]);
    expect(y!.data[0]).toBeCloseTo(Math.log(1 + 2 + 3), 12);
    expect(y!.data[1]).toBeCloseTo(1000 + Math.log(2), 12);
  });

  it("has a gradient that central differences confirm", () => expectGradients(cases));

  it.each([...engines, { engine: float32Engine, tolerance: 2e-5 }])(
    "agrees with the reference on $engine.name $engine.precision",
    (tested) => expectAgreement(tested, cases),
  );

  it("names itself where its operand is none", () => {
    expect(() => logSumExp(new Graph().input("x", "int", [3]))).toThrow(
      "logSumExp: expected input 0 to be float, got int",
    );
  });
});
