import { product, type Op, type Shape, type Value } from "../graph/index.ts";
import { expectFloat, expectInt, expectRank, float64s } from "./helpers.ts";
import { pick } from "./pick.ts";

export interface UnpickAttrs extends Record<string, Shape> {
  readonly shape: Shape;
}

export const unpickOp: Op<UnpickAttrs> = {
  name: "unpick",
  infer: ([updates, row, column], { shape }) => {
    expectFloat("unpick", updates!);
    expectInt("unpick", row!);
    expectInt("unpick", column!);
    expectRank("unpick", updates!, 1);
    return [{ dtype: "float", shape }];
  },
  vjp: ({ inputs: [, row, column] }, [dy]) => [pick(dy!, row!, column!), undefined, undefined],
  // Not ScatterND: see scatterAdd.
  onnx: ([updates, row, column], { attrs: { shape } }, e) => {
    const [wideRow, wideColumn] = [row!, column!].map((name) => e.node("Cast", [name], { to: { int: 7 } })[0]!);
    const start = e.node("Mul", [wideRow!, e.shape([shape[1]!])])[0]!;
    const at = e.node("Add", [start, wideColumn!])[0]!;
    const zeros = e.node("Expand", [e.float(0), e.shape([product(shape)])])[0]!;
    const sums = e.node("ScatterElements", [zeros, at, updates!], { axis: { int: 0 }, reduction: { text: "add" } });
    return e.node("Reshape", [sums[0]!, e.shape(shape)]);
  },
  reference: ([updates, row, column], { shape }, { size }) => {
    const out = float64s(shape.map(size));
    row!.data.forEach((r, i) => {
      out.data[r * out.shape[1]! + column!.data[i]!]! += updates!.data[i]!;
    });
    return [out];
  },
};

/** Sums single elements into a matrix of zeros: updates, row and column [N] -> [P, V]. */
export function unpick(updates: Value, row: Value, column: Value, shape: Shape): Value {
  return updates.graph.apply(unpickOp, [updates, row, column], { shape })[0]!;
}
