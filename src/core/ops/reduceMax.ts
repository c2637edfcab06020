import type { Op, Value } from "../graph/index.ts";
import { div } from "./div.ts";
import { expectFloat, normalizeAxis } from "./helpers.ts";
import { mul } from "./mul.ts";
import { reducedShape, reduceReference, reduceSum, type ReduceAttrs } from "./reduceSum.ts";
import { reshape } from "./reshape.ts";
import { step } from "./step.ts";
import { sub } from "./sub.ts";

export const reduceMaxOp: Op<ReduceAttrs> = {
  name: "reduceMax",
  infer: ([x], attrs) => {
    expectFloat("reduceMax", x!);
    return [{ dtype: "float", shape: reducedShape(x!.shape, attrs) }];
  },
  // The gradient goes to the largest element, in equal parts where several are equal.
  vjp: ({ inputs: [x], outputs: [y], attrs }, [dy]) => {
    const kept = reducedShape(x!.shape, { ...attrs, keepdims: true });
    const isMax = sub(1, step(sub(reshape(y!, kept), x!)));
    const share = div(isMax, reduceSum(isMax, attrs.axes, true));
    return [mul(share, reshape(dy!, kept))];
  },
  onnx: ([x], { attrs }, e) =>
    e.node("ReduceMax", [x!, e.int64s(attrs.axes)], { keepdims: { int: attrs.keepdims ? 1 : 0 } }),
  reference: reduceReference(Math.max, -Infinity),
};

/** Largest element over `axes`. */
export function reduceMax(x: Value, axes: readonly number[], keepdims = false): Value {
  const normal = axes.map((axis) => normalizeAxis("reduceMax", axis, x.shape.length)).sort((a, b) => a - b);
  return x.graph.apply(reduceMaxOp, [x], { axes: normal, keepdims })[0]!;
}
