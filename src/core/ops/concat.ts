import { ShapeError } from "../util/index.ts";
import { sameShape, showShape, sum, type Op, type Value } from "../graph/index.ts";
import { expectFloat, float64s, normalizeAxis } from "./helpers.ts";
import { slice } from "./slice.ts";

export interface ConcatAttrs extends Record<string, number> {
  readonly axis: number;
}

export const concatOp: Op<ConcatAttrs> = {
  name: "concat",
  infer: (inputs, { axis }) => {
    expectFloat("concat", ...inputs);
    const [first] = inputs;
    for (const x of inputs) {
      if (x.shape.length !== first!.shape.length || !sameShape(x.shape.with(axis, 0), first!.shape.with(axis, 0))) {
        throw new ShapeError(
          `concat: expected shapes that agree off axis ${axis}, got ${inputs.map((v) => showShape(v.shape)).join(", ")}`,
        );
      }
    }
    return [{ dtype: "float", shape: first!.shape.with(axis, sum(inputs.map((x) => x.shape[axis]!))) }];
  },
  vjp: ({ inputs, attrs: { axis } }, [dy]) => {
    let start = 0;
    return inputs.map((x) => {
      const size = x.shape[axis]!;
      if (typeof size !== "number") throw new ShapeError("concat: cannot differentiate along a symbolic axis");
      start += size;
      return slice(dy!, axis, start - size, start);
    });
  },
  onnx: (inputs, { attrs: { axis } }, e) => e.node("Concat", inputs, { axis: { int: axis } }),
  reference: (inputs, { axis }) => {
    const first = inputs[0]!;
    const total = inputs.reduce((n, x) => n + x.shape[axis]!, 0);
    const out = float64s(first.shape.with(axis, total));
    const outer = first.shape.slice(0, axis).reduce((a, b) => a * b, 1);
    const inner = first.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    let offset = 0;
    for (const x of inputs) {
      const width = x.shape[axis]! * inner;
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
  const [first] = inputs;
  if (!first) throw new ShapeError("concat: expected at least one tensor");
  if (inputs.length === 1) return first;
  return first.graph.apply(concatOp, inputs, { axis: normalizeAxis("concat", axis, first.shape.length) })[0]!;
}
