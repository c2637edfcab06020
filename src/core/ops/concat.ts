import { sameShape, showShape, sum, type Op, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";
import { constant } from "./constant.ts";
import { broadcastStrides, elements, float64s, offsets } from "./kernels.ts";
import { expand } from "./reduceSum.ts";
import { at, expectFloat, normalizeAxis } from "./shapes.ts";

export interface ConcatAttrs extends Record<string, number> {
  readonly axis: number;
}

export const concatOp: Op<[first: Value, ...others: Value[]], ConcatAttrs> = {
  name: "concat",
  infer: (inputs, { axis }) => {
    expectFloat("concat", ...inputs);
    const { shape } = inputs[0];
    for (const x of inputs) {
      if (x.shape.length !== shape.length || !sameShape(x.shape.with(axis, 0), shape.with(axis, 0))) {
        throw new ShapeError(
          `concat: expected shapes that agree off axis ${axis}, got ${inputs.map((v) => showShape(v.shape)).join(", ")}`,
        );
      }
    }
    return [{ dtype: "float", shape: shape.with(axis, sum(inputs.map((x) => at(x.shape, axis)))) }];
  },
  // dx_i = the part of dy where x_i stands
  vjp: ({ inputs: [first, ...others], attrs: { axis } }, [dy]) => {
    let start = 0;
    const part = (x: Value): Value => {
      const size = at(x.shape, axis);
      if (typeof size !== "number") throw new ShapeError("concat: cannot differentiate along a symbolic axis");
      start += size;
      return slice(dy, axis, start - size, start);
    };
    return [part(first), ...others.map(part)];
  },
  onnx: (inputs, { attrs: { axis } }, e) => [e.node("Concat", inputs, { axis: { int: axis } })],
  reference: (inputs, { axis }) => {
    const { shape } = inputs[0];
    const total = inputs.reduce((n, x) => n + at(x.shape, axis), 0);
    const out = float64s(shape.with(axis, total));
    const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
    const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    let offset = 0;
    for (const x of inputs) {
      const width = at(x.shape, axis) * inner;
      for (let o = 0; o < outer; o++) {
        out.data.set(x.data.subarray(o * width, (o + 1) * width), o * total * inner + offset);
      }
      offset += width;
    }
    return [out];
  },
};

/** Joins tensors along one axis. */
export function concat(inputs: readonly Value[], axis: number): Value {
  const [first, ...others] = inputs;
  if (!first) throw new ShapeError("concat: expected at least one tensor");
  if (others.length === 0) return first;
  const normal = normalizeAxis("concat", axis, first.shape.length);
  return first.graph.apply(concatOp, [first, ...others], { axis: normal })[0];
}

export interface SliceAttrs extends Record<string, number> {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

/** One part of a concatenation. */
export const sliceOp: Op<[x: Value], SliceAttrs> = {
  name: "slice",
  infer: ([x], { axis, start, end }) => {
    expectFloat("slice", x);
    const dim = at(x.shape, axis);
    if (typeof dim !== "number" || start < 0 || end > dim || start >= end) {
      throw new ShapeError(
        `slice: expected a known axis that holds ${start}..${end}, got axis ${axis} of ${showShape(x.shape)}`,
      );
    }
    return [{ dtype: "float", shape: x.shape.with(axis, end - start) }];
  },
  // dx = dy between zeros
  vjp: ({ inputs: [x], attrs: { axis, start, end } }, [dy]) => {
    const dim = x.shape[axis] as number;
    const zeros = (size: number): Value[] =>
      size === 0 ? [] : [expand(constant(dy.graph, 0), x.shape.with(axis, size))];
    return [concat([...zeros(start), dy, ...zeros(dim - end)], axis)];
  },
  onnx: ([x], { attrs: { axis, start, end } }, e) => [
    e.node("Slice", [x, e.int64s([start]), e.int64s([end]), e.int64s([axis])]),
  ],
  reference: ([x], { axis, start, end }) => {
    const shape = x.shape.with(axis, end - start);
    const first = start * x.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const from = offsets(shape, broadcastStrides(x.shape, x.shape.length));
    return [{ shape, data: elements(x.data, from, first) }];
  },
};

/** Elements `start` to `end` (exclusive) of one axis. */
export function slice(x: Value, axis: number, start: number, end: number): Value {
  const normal = normalizeAxis("slice", axis, x.shape.length);
  if (start === 0 && end === x.shape[normal]) return x;
  return x.graph.apply(sliceOp, [x], { axis: normal, start, end })[0];
}
