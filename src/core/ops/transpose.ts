import { ShapeError } from "../util/index.ts";
import { showShape, type Op, type Value } from "../graph/index.ts";
import { broadcastStrides, expectFloat, float64s, walk } from "./helpers.ts";

export interface TransposeAttrs extends Record<string, readonly number[]> {
  readonly perm: readonly number[];
}

export const transposeOp: Op<TransposeAttrs> = {
  name: "transpose",
  infer: ([x], { perm }) => {
    expectFloat("transpose", x!);
    if (perm.length !== x!.shape.length || [...perm].sort((a, b) => a - b).some((p, i) => p !== i)) {
      throw new ShapeError(
        `transpose: expected a permutation of the axes of ${showShape(x!.shape)}, got [${perm.join(", ")}]`,
      );
    }
    return [{ dtype: "float", shape: perm.map((p) => x!.shape[p]!) }];
  },
  vjp: ({ attrs: { perm } }, [dy]) => [
    transpose(
      dy!,
      perm.map((_, i) => perm.indexOf(i)),
    ),
  ],
  onnx: (inputs, { attrs: { perm } }, e) => e.node("Transpose", inputs, { perm: { ints: perm } }),
  reference: ([x], { perm }) => {
    const out = float64s(perm.map((p) => x!.shape[p]!));
    const strides = broadcastStrides(x!.shape, perm.length);
    walk(out.shape, [perm.map((p) => strides[p]!)], ([from], i) => (out.data[i] = x!.data[from!]!));
    return [out];
  },
};

/** Axes in another order: axis `i` of the result is axis `perm[i]` of x. */
export function transpose(x: Value, perm: readonly number[]): Value {
  return x.graph.apply(transposeOp, [x], { perm })[0]!;
}
