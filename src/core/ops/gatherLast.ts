import { ShapeError } from "../util/index.ts";
import { sameShape, showShape, type Op, type Value } from "../graph/index.ts";
import { expectFloat, expectInt, float64s, lastKnown } from "./helpers.ts";
import { scatterLast } from "./scatterLast.ts";

export const gatherLastOp: Op<Record<string, never>> = {
  name: "gatherLast",
  infer: ([x, index]) => {
    expectFloat("gatherLast", x!);
    expectInt("gatherLast", index!);
    if (!sameShape(x!.shape.slice(0, -1), index!.shape.slice(0, -1))) {
      throw new ShapeError(
        `gatherLast: expected indices ${showShape(index!.shape)} to agree with ${showShape(x!.shape)} but for the last axis`,
      );
    }
    return [{ dtype: "float", shape: index!.shape }];
  },
  vjp: ({ inputs: [x, index] }, [dy]) => [scatterLast(dy!, index!, lastKnown("gatherLast", x!.shape)), undefined],
  onnx: (inputs, _node, e) => e.node("GatherElements", inputs, { axis: { int: -1 } }),
  reference: ([x, index]) => {
    const width = x!.shape.at(-1)!;
    const picks = index!.shape.at(-1)!;
    const out = float64s(index!.shape);
    index!.data.forEach((at, i) => (out.data[i] = x!.data[Math.floor(i / picks) * width + at]!));
    return [out];
  },
};

/** Elements along the last axis: x [..., E], index [..., K] -> [..., K]. */
export function gatherLast(x: Value, index: Value): Value {
  return x.graph.apply(gatherLastOp, [x, index], {})[0]!;
}
