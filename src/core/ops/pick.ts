import { ShapeError } from "../util/index.ts";
import { sameShape, showShape, type Op, type Value } from "../graph/index.ts";
import { expectFloat, expectInt, expectRank, float64s } from "./helpers.ts";
import { unpick } from "./unpick.ts";

export const pickOp: Op<Record<string, never>> = {
  name: "pick",
  infer: ([x, row, column]) => {
    expectFloat("pick", x!);
    expectInt("pick", row!);
    expectInt("pick", column!);
    expectRank("pick", x!, 2);
    expectRank("pick", row!, 1);
    if (!sameShape(row!.shape, column!.shape)) {
      throw new ShapeError(
        `pick: expected as many rows as columns, got ${showShape(row!.shape)} and ${showShape(column!.shape)}`,
      );
    }
    return [{ dtype: "float", shape: row!.shape }];
  },
  vjp: ({ inputs: [x, row, column] }, [dy]) => [unpick(dy!, row!, column!, x!.shape), undefined, undefined],
  onnx: ([x, row, column], _node, e) => {
    const [wideRow, wideColumn] = [row!, column!].map((name) => {
      const wide = e.node("Cast", [name], { to: { int: 7 } })[0]!;
      return e.node("Unsqueeze", [wide, e.int64s([1])])[0]!;
    });
    return e.node("GatherND", [x!, e.node("Concat", [wideRow!, wideColumn!], { axis: { int: 1 } })[0]!]);
  },
  reference: ([x, row, column]) => {
    const width = x!.shape[1]!;
    const out = float64s(row!.shape);
    row!.data.forEach((r, i) => (out.data[i] = x!.data[r * width + column!.data[i]!]!));
    return [out];
  },
};

/** Single elements of a matrix: x [P, V], row and column [N] -> x[row, column] [N]. */
export function pick(x: Value, row: Value, column: Value): Value {
  return x.graph.apply(pickOp, [x, row, column], {})[0]!;
}
