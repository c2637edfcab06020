import { sizeOf, type Op, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";
import { eachRow } from "./kernels.ts";
import { expectFloat, lastKnown } from "./shapes.ts";

export interface TopKAttrs extends Record<string, number> {
  readonly k: number;
}

export const topKOp: Op<[x: Value], TopKAttrs> = {
  name: "topK",
  infer: ([x], { k }) => {
    expectFloat("topK", x);
    const width = lastKnown("topK", x.shape);
    if (!Number.isInteger(k) || k < 1 || k > width)
      throw new ShapeError(`topK: expected k between 1 and ${width}, got ${k}`);
    return [{ dtype: "int", shape: x.shape.with(-1, k) }];
  },
  // Indices have no gradient.
  vjp: () => [undefined],
  onnx: ([x], { attrs: { k } }, e) => {
    const [, index] = e.pair("TopK", [x, e.int64s([k])], { axis: { int: -1 } });
    return [e.node("Cast", [index], { to: { int: 6 } })];
  },
  reference: ([x], { k }) => {
    const shape = x.shape.with(-1, k);
    const data = new Int32Array(sizeOf(shape));
    let next = 0;
    eachRow(x, (start, end) => {
      const row = Array.from(x.data.subarray(start, end), (value, i) => ({ value, i }));
      row.sort((a, b) => b.value - a.value || a.i - b.i);
      for (const { i } of row.slice(0, k)) data[next++] = i;
    });
    return [{ shape, data }];
  },
};

/** Indices of the k largest elements of the last axis, largest first; of equal ones the lowest index comes first. */
export function topK(x: Value, k: number): Value {
  return x.graph.apply(topKOp, [x], { k })[0];
}
