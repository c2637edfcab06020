import { ShapeError } from "../util/index.ts";
import { sameShape, showShape, type Dim, type Op, type Value } from "../graph/index.ts";
import { gather } from "./gather.ts";
import { expectFloat, expectInt, float64s } from "./helpers.ts";

export interface ScatterAddAttrs extends Record<string, Dim> {
  readonly rows: Dim;
}

export const scatterAddOp: Op<ScatterAddAttrs> = {
  name: "scatterAdd",
  infer: ([updates, index], { rows }) => {
    expectFloat("scatterAdd", updates!);
    expectInt("scatterAdd", index!);
    const rank = index!.shape.length;
    if (!sameShape(updates!.shape.slice(0, rank), index!.shape)) {
      throw new ShapeError(
        `scatterAdd: expected updates ${showShape(updates!.shape)} to begin with ${showShape(index!.shape)}`,
      );
    }
    return [{ dtype: "float", shape: [rows, ...updates!.shape.slice(rank)] }];
  },
  vjp: ({ inputs: [, index] }, [dy]) => [gather(dy!, index!), undefined],
  onnx: ([updates, index], { outputs: [y], inputs }, e) => {
    const zeros = e.node("Expand", [e.float(0), e.shape(y!.shape)])[0]!;
    const wide = e.node("Cast", [index!], { to: { int: 7 } })[0]!;
    const indices = e.node("Unsqueeze", [wide, e.int64s([inputs[1]!.shape.length])])[0]!;
    return e.node("ScatterND", [zeros, indices, updates!], { reduction: { text: "add" } });
  },
  reference: ([updates, index], { rows }, { size }) => {
    const rest = updates!.shape.slice(index!.shape.length);
    const width = rest.reduce((a, b) => a * b, 1);
    const out = float64s([size(rows), ...rest]);
    index!.data.forEach((row, i) => {
      for (let j = 0; j < width; j++) out.data[row * width + j]! += updates!.data[i * width + j]!;
    });
    return [out];
  },
};

/** Sums rows into a table of zeros: updates [...shape, ...rest], index [...shape] -> [rows, ...rest]. */
export function scatterAdd(updates: Value, index: Value, rows: Dim): Value {
  return updates.graph.apply(scatterAddOp, [updates, index], { rows })[0]!;
}
