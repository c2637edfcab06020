import { ShapeError } from "../util/index.ts";
import { showShape, type Op, type Value } from "../graph/index.ts";
import { concat } from "./concat.ts";
import { constant } from "./constant.ts";
import { expand } from "./expand.ts";
import { broadcastStrides, expectFloat, float64s, normalizeAxis, walk } from "./helpers.ts";

export interface SliceAttrs extends Record<string, number> {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

export const sliceOp: Op<SliceAttrs> = {
  name: "slice",
  infer: ([x], { axis, start, end }) => {
    expectFloat("slice", x!);
    const dim = x!.shape[axis]!;
    if (typeof dim !== "number" || start < 0 || end > dim || start >= end) {
      throw new ShapeError(
        `slice: expected a known axis that holds ${start}..${end}, got axis ${axis} of ${showShape(x!.shape)}`,
      );
    }
    return [{ dtype: "float", shape: x!.shape.with(axis, end - start) }];
  },
  vjp: ({ inputs: [x], attrs: { axis, start, end } }, [dy]) => {
    const dim = x!.shape[axis] as number;
    const zeros = (size: number): Value[] =>
      size === 0 ? [] : [expand(constant(dy!.graph, 0), x!.shape.with(axis, size))];
    return [concat([...zeros(start), dy!, ...zeros(dim - end)], axis)];
  },
  onnx: ([x], { attrs: { axis, start, end } }, e) =>
    e.node("Slice", [x!, e.int64s([start]), e.int64s([end]), e.int64s([axis])]),
  reference: ([x], { axis, start, end }) => {
    const out = float64s(x!.shape.with(axis, end - start));
    const inner = x!.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const strides = broadcastStrides(x!.shape, x!.shape.length);
    walk(out.shape, [strides], ([from], i) => (out.data[i] = x!.data[from! + start * inner]!));
    return [out];
  },
};

/** Elements `start` to `end` (exclusive) of one axis. */
export function slice(x: Value, axis: number, start: number, end: number): Value {
  const normal = normalizeAxis("slice", axis, x.shape.length);
  if (start === 0 && end === x.shape[normal]) return x;
  return x.graph.apply(sliceOp, [x], { axis: normal, start, end })[0]!;
}
