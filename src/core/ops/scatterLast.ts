import { ShapeError } from "../util/index.ts";
import { sameShape, showShape, type Op, type Value } from "../graph/index.ts";
import { gatherLast } from "./gatherLast.ts";
import { expectFloat, expectInt, float64s } from "./helpers.ts";

export interface ScatterLastAttrs extends Record<string, number> {
  readonly size: number;
}

export const scatterLastOp: Op<ScatterLastAttrs> = {
  name: "scatterLast",
  infer: ([updates, index], { size }) => {
    expectFloat("scatterLast", updates!);
    expectInt("scatterLast", index!);
    if (!sameShape(updates!.shape, index!.shape)) {
      throw new ShapeError(
        `scatterLast: expected an index for each update, got ${showShape(index!.shape)} and ${showShape(updates!.shape)}`,
      );
    }
    return [{ dtype: "float", shape: updates!.shape.with(-1, size) }];
  },
  vjp: ({ inputs: [, index] }, [dy]) => [gatherLast(dy!, index!), undefined],
  onnx: ([updates, index], { outputs: [y] }, e) => {
    const zeros = e.node("Expand", [e.float(0), e.shape(y!.shape)])[0]!;
    return e.node("ScatterElements", [zeros, index!, updates!], { axis: { int: -1 }, reduction: { text: "add" } });
  },
  reference: ([updates, index], { size }) => {
    const picks = index!.shape.at(-1)!;
    const out = float64s(updates!.shape.with(-1, size));
    index!.data.forEach((at, i) => {
      out.data[Math.floor(i / picks) * size + at]! += updates!.data[i]!;
    });
    return [out];
  },
};

/** Sums elements into zeros along the last axis: updates and index [..., K] -> [..., size]. */
export function scatterLast(updates: Value, index: Value, size: number): Value {
  return updates.graph.apply(scatterLastOp, [updates, index], { size })[0]!;
}
