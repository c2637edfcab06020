import { showShape, type Op, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";
import { broadcastStrides, elements, offsets } from "./kernels.ts";
import { at, expectFloat } from "./shapes.ts";

export interface TransposeAttrs extends Record<string, readonly number[]> {
  readonly perm: readonly number[];
}

export const transposeOp: Op<[x: Value], TransposeAttrs> = {
  name: "transpose",
  infer: ([x], { perm }) => {
    expectFloat("transpose", x);
    if (perm.length !== x.shape.length || [...perm].sort((a, b) => a - b).some((p, i) => p !== i)) {
      throw new ShapeError(
        `transpose: expected a permutation of the axes of ${showShape(x.shape)}, got [${perm.join(", ")}]`,
      );
    }
    return [{ dtype: "float", shape: perm.map((p) => at(x.shape, p)) }];
  },
  // dx = dy, its axes put back
  vjp: ({ attrs: { perm } }, [dy]) => [
    transpose(
      dy,
      perm.map((_, i) => perm.indexOf(i)),
    ),
  ],
  onnx: (inputs, { attrs: { perm } }, e) => [e.node("Transpose", inputs, { perm: { ints: perm } })],
  reference: ([x], { perm }) => {
    const shape = perm.map((p) => at(x.shape, p));
    const strides = broadcastStrides(x.shape, perm.length);
    const from = offsets(
      shape,
      perm.map((p) => at(strides, p)),
    );
    return [{ shape, data: elements(x.data, from) }];
  },
};

/** Axes in another order: axis `i` of the result is axis `perm[i]` of x. */
export function transpose(x: Value, perm: readonly number[]): Value {
  return x.graph.apply(transposeOp, [x], { perm })[0];
}
