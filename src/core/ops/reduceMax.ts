import type { Op, Value } from "../graph/index.ts";
import { div } from "./div.ts";
import { reduce } from "./kernels.ts";
import { mul } from "./mul.ts";
import { reduceSum } from "./reduceSum.ts";
import { reshape } from "./reshape.ts";
import { expectFloat, normalizeAxis, reducedShape, type ReduceAttrs } from "./shapes.ts";
import { step } from "./step.ts";
import { sub } from "./sub.ts";

export const reduceMaxOp: Op<[x: Value], ReduceAttrs> = {
  name: "reduceMax",
  infer: ([x], attrs) => {
    expectFloat("reduceMax", x);
    return [{ dtype: "float", shape: reducedShape(x.shape, attrs) }];
  },
  // d(max x) = dx of the largest element, or the mean of those that are equally large
  vjp: ({ inputs: [x], outputs: [y], attrs }, [dy]) => {
    const kept = reducedShape(x.shape, { ...attrs, keepdims: true });
    const isMax = sub(1, step(sub(reshape(y, kept), x)));
    const share = div(isMax, reduceSum(isMax, attrs.axes, true));
    return [mul(share, reshape(dy, kept))];
  },
  onnx: ([x], { attrs: { axes, keepdims } }, e) => [
    e.node("ReduceMax", [x, e.int64s(axes)], { keepdims: { int: keepdims ? 1 : 0 } }),
  ],
  reference: ([x], attrs) => [reduce(x, attrs, Math.max, -Infinity)],
};

/** Largest element over `axes`. */
export function reduceMax(x: Value, axes: readonly number[], keepdims = false): Value {
  const normal = axes.map((axis) => normalizeAxis("reduceMax", axis, x.shape.length)).sort((a, b) => a - b);
  return x.graph.apply(reduceMaxOp, [x], { axes: normal, keepdims })[0];
}
