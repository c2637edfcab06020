import { product, sameShape, showShape, type Op, type Shape, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";
import { broadcast, reduce } from "./kernels.ts";
import { reshape } from "./reshape.ts";
import { at, broadcastShapes, expectFloat, normalizeAxis, reducedShape, type ReduceAttrs } from "./shapes.ts";

export const reduceSumOp: Op<[x: Value], ReduceAttrs> = {
  name: "reduceSum",
  infer: ([x], attrs) => {
    expectFloat("reduceSum", x);
    return [{ dtype: "float", shape: reducedShape(x.shape, attrs) }];
  },
  // dx = dy, repeated along the axes that were summed
  vjp: ({ inputs: [x], attrs }, [dy]) => {
    const kept = reducedShape(x.shape, { ...attrs, keepdims: true });
    return [expand(reshape(dy, kept), x.shape)];
  },
  onnx: ([x], { attrs: { axes, keepdims } }, e) => [
    e.node("ReduceSum", [x, e.int64s(axes)], { keepdims: { int: keepdims ? 1 : 0 } }),
  ],
  reference: ([x], attrs) => [reduce(x, attrs, (sum, value) => sum + value, 0)],
};

/** Sum over `axes` (all of them by default). */
export function reduceSum(x: Value, axes: readonly number[] = x.shape.map((_, i) => i), keepdims = false): Value {
  const normal = axes.map((axis) => normalizeAxis("reduceSum", axis, x.shape.length)).sort((a, b) => a - b);
  if (normal.length === 0) return x;
  if (product(normal.map((i) => at(x.shape, i))) === 1)
    return keepdims ? x : reshape(x, reducedShape(x.shape, { axes: normal, keepdims }));
  return x.graph.apply(reduceSumOp, [x], { axes: normal, keepdims })[0];
}

export interface ExpandAttrs extends Record<string, Shape> {
  readonly shape: Shape;
}

/** The transpose of a sum. */
export const expandOp: Op<[x: Value], ExpandAttrs> = {
  name: "expand",
  cheap: true,
  infer: ([x], { shape }) => {
    expectFloat("expand", x);
    if (!sameShape(broadcastShapes("expand", x.shape, shape), shape)) {
      throw new ShapeError(`expand: expected ${showShape(x.shape)} to broadcast to ${showShape(shape)}`);
    }
    return [{ dtype: "float", shape }];
  },
  // dx = dy, summed over where x was repeated
  vjp: ({ inputs: [x] }, [dy]) => [sumTo(dy, x.shape)],
  onnx: ([x], { attrs: { shape } }, e) => [e.node("Expand", [x, e.shape(shape)])],
  reference: ([x], { shape }, { size }) => {
    const sizes = shape.map(size);
    return [{ shape: sizes, data: broadcast(x, sizes) }];
  },
};

/** x repeated to `shape`, as broadcasting would. */
export function expand(x: Value, shape: Shape): Value {
  return sameShape(x.shape, shape) ? x : x.graph.apply(expandOp, [x], { shape })[0];
}

/** Undoes broadcasting: sums `value` over the axes along which `shape` was repeated. */
export function sumTo(value: Value, shape: Shape): Value {
  const lead = value.shape.length - shape.length;
  const axes = value.shape.flatMap((dim, i) => (i < lead || (shape[i - lead] === 1 && dim !== 1) ? [i] : []));
  if (axes.length === 0) return value;
  return reshape(reduceSum(value, axes, true), shape);
}
