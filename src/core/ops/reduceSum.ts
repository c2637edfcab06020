import { product, type Op, type Shape, type Value } from "../graph/index.ts";
import { expand } from "./expand.ts";
import { broadcastStrides, expectFloat, float64s, normalizeAxis, walk } from "./helpers.ts";
import { reshape } from "./reshape.ts";

export interface ReduceAttrs extends Record<string, boolean | readonly number[]> {
  readonly axes: readonly number[];
  readonly keepdims: boolean;
}

/** Shape after reducing `axes`; reduced axes become 1 or go away. */
export function reducedShape(shape: Shape, { axes, keepdims }: ReduceAttrs): Shape {
  return shape.flatMap((dim, i) => (axes.includes(i) ? (keepdims ? [1] : []) : [dim]));
}

/** Reference kernel of a reduction by `f`, starting from `start`. */
export function reduceReference(op: (acc: number, x: number) => number, start: number): Op<ReduceAttrs>["reference"] {
  return ([x], attrs) => {
    const kept = reducedShape(x!.shape, { ...attrs, keepdims: true }) as number[];
    const out = float64s(kept);
    out.data.fill(start);
    const from = broadcastStrides(x!.shape, kept.length);
    walk(x!.shape, [from, broadcastStrides(kept, kept.length)], ([, j], i) => {
      out.data[j!] = op(out.data[j!]!, x!.data[i]!);
    });
    return [{ shape: reducedShape(x!.shape, attrs) as number[], data: out.data }];
  };
}

export const reduceSumOp: Op<ReduceAttrs> = {
  name: "reduceSum",
  infer: ([x], attrs) => {
    expectFloat("reduceSum", x!);
    return [{ dtype: "float", shape: reducedShape(x!.shape, attrs) }];
  },
  vjp: ({ inputs: [x], attrs }, [dy]) => {
    const kept = reducedShape(x!.shape, { ...attrs, keepdims: true });
    return [expand(reshape(dy!, kept), x!.shape)];
  },
  onnx: ([x], { attrs }, e) =>
    e.node("ReduceSum", [x!, e.int64s(attrs.axes)], { keepdims: { int: attrs.keepdims ? 1 : 0 } }),
  reference: reduceReference((acc, x) => acc + x, 0),
};

/** Sum over `axes` (all of them by default). */
export function reduceSum(x: Value, axes: readonly number[] = x.shape.map((_, i) => i), keepdims = false): Value {
  const normal = axes.map((axis) => normalizeAxis("reduceSum", axis, x.shape.length)).sort((a, b) => a - b);
  if (normal.length === 0) return x;
  if (product(normal.map((i) => x.shape[i]!)) === 1)
    return keepdims ? x : reshape(x, reducedShape(x.shape, { axes: normal, keepdims }));
  return x.graph.apply(reduceSumOp, [x], { axes: normal, keepdims })[0]!;
}
