import { ShapeError } from "../util/index.ts";
import { product, sameShape, showShape, type Dim, type Op, type Value } from "../graph/index.ts";
import { gather } from "./gather.ts";
import { expectFloat, expectInt, float64s } from "./helpers.ts";

export interface ScatterAddAttrs extends Record<string, Dim> {
  readonly rows: Dim;
}

/** So few rows are summed by a product with ones and zeros, which several threads can share; more are summed by one thread. */
const MATMUL_ROWS = 256;

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
  // ONNX Runtime's ScatterND adds with several threads and without locks, so that rows that come twice may get lost.
  onnx: ([updates, index], { outputs: [y], inputs }, e) => {
    const [rows, ...rest] = y!.shape;
    const flat = e.node("Reshape", [index!, e.int64s([-1])])[0]!;
    const flatUpdates = e.node("Reshape", [updates!, e.shape([product(inputs[1]!.shape), product(rest)])])[0]!;
    const flatShape = e.shape([rows!, product(rest)]);
    let sums: string;
    if (typeof rows === "number" && rows <= MATMUL_ROWS) {
      const row = e.node("Unsqueeze", [e.node("Range", [e.int(0), e.int(rows), e.int(1)])[0]!, e.int64s([1])])[0]!;
      const same = e.node("Cast", [e.node("Equal", [row, flat])[0]!], { to: { int: e.floatType } })[0]!;
      sums = e.node("MatMul", [same, flatUpdates])[0]!;
    } else {
      const zeros = e.node("Expand", [e.float(0), flatShape])[0]!;
      const column = e.node("Unsqueeze", [flat, e.int64s([1])])[0]!;
      const places = e.node("Expand", [column, e.node("Shape", [flatUpdates])[0]!])[0]!;
      sums = e.node("ScatterElements", [zeros, places, flatUpdates], {
        axis: { int: 0 },
        reduction: { text: "add" },
      })[0]!;
    }
    return e.node("Reshape", [sums, e.shape(y!.shape)]);
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
