import { ShapeError } from "../util/index.ts";
import { sameShape, showShape, type Op, type Shape, type Value } from "../graph/index.ts";
import { broadcastShapes, broadcastStrides, expectFloat, float64s, sumTo, walk } from "./helpers.ts";

export interface ExpandAttrs extends Record<string, Shape> {
  readonly shape: Shape;
}

export const expandOp: Op<ExpandAttrs> = {
  name: "expand",
  cheap: true,
  infer: ([x], { shape }) => {
    expectFloat("expand", x!);
    if (!sameShape(broadcastShapes("expand", x!.shape, shape), shape)) {
      throw new ShapeError(`expand: expected ${showShape(x!.shape)} to broadcast to ${showShape(shape)}`);
    }
    return [{ dtype: "float", shape }];
  },
  vjp: ({ inputs: [x] }, [dy]) => [sumTo(dy!, x!.shape)],
  onnx: ([x], { attrs: { shape } }, e) => e.node("Expand", [x!, e.shape(shape)]),
  reference: ([x], { shape }, { size }) => {
    const out = float64s(shape.map(size));
    walk(out.shape, [broadcastStrides(x!.shape, shape.length)], ([from], i) => (out.data[i] = x!.data[from!]!));
    return [out];
  },
};

/** x repeated to `shape`, as broadcasting would. */
export function expand(x: Value, shape: Shape): Value {
  return sameShape(x.shape, shape) ? x : x.graph.apply(expandOp, [x], { shape })[0]!;
}
