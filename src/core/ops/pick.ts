import { product, sameShape, showShape, type Op, type Shape, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";
import { addTo, element, float64s } from "./kernels.ts";
import { expectFloat, expectInt, expectRank } from "./shapes.ts";

/** ONNX's element type of indices. */
const INT64 = { to: { int: 7 } };

export const pickOp: Op<[x: Value, row: Value, column: Value]> = {
  name: "pick",
  infer: ([x, row, column]) => {
    expectFloat("pick", x);
    expectInt("pick", row);
    expectInt("pick", column);
    expectRank("pick", x, 2);
    expectRank("pick", row, 1);
    if (!sameShape(row.shape, column.shape)) {
      throw new ShapeError(
        `pick: expected as many rows as columns, got ${showShape(row.shape)} and ${showShape(column.shape)}`,
      );
    }
    return [{ dtype: "float", shape: row.shape }];
  },
  // dx[p, v] = the sum of dy over where (row, column) is (p, v)
  vjp: ({ inputs: [x, row, column] }, [dy]) => [unpick(dy, row, column, x.shape), undefined, undefined],
  onnx: ([x, row, column], _node, e) => {
    const wide = [row, column].map((name) => e.node("Unsqueeze", [e.node("Cast", [name], INT64), e.int64s([1])]));
    return [e.node("GatherND", [x, e.node("Concat", wide, { axis: { int: 1 } })])];
  },
  reference: ([x, row, column]) => {
    const [, width] = expectRank("pick", x, 2);
    const out = float64s(row.shape);
    row.data.forEach((r, i) => (out.data[i] = element(x.data, r * width + element(column.data, i))));
    return [out];
  },
};

/** Single elements of a matrix: x [P, V], row and column [N] -> x[row, column] [N]. */
export function pick(x: Value, row: Value, column: Value): Value {
  return x.graph.apply(pickOp, [x, row, column], {})[0];
}

export interface UnpickAttrs extends Record<string, Shape> {
  readonly shape: Shape;
}

/** The transpose of `pick`. */
export const unpickOp: Op<[updates: Value, row: Value, column: Value], UnpickAttrs> = {
  name: "unpick",
  infer: ([updates, row, column], { shape }) => {
    expectFloat("unpick", updates);
    expectInt("unpick", row);
    expectInt("unpick", column);
    expectRank("unpick", updates, 1);
    return [{ dtype: "float", shape }];
  },
  // d(updates)[n] = dy[row[n], column[n]]
  vjp: ({ inputs: [, row, column] }, [dy]) => [pick(dy, row, column), undefined, undefined],
  // Not ScatterND: see scatterAdd.
  onnx: ([updates, row, column], { attrs: { shape } }, e) => {
    const wideRow = e.node("Cast", [row], INT64);
    const wideColumn = e.node("Cast", [column], INT64);
    const start = e.node("Mul", [wideRow, e.shape(shape.slice(1))]);
    const places = e.node("Add", [start, wideColumn]);
    const zeros = e.node("Expand", [e.float(0), e.shape([product(shape)])]);
    const attrs = { axis: { int: 0 }, reduction: { text: "add" } };
    const sums = e.node("ScatterElements", [zeros, places, updates], attrs);
    return [e.node("Reshape", [sums, e.shape(shape)])];
  },
  reference: ([updates, row, column], { shape }, { size }) => {
    const out = float64s(shape.map(size));
    const [, width] = expectRank("unpick", out, 2);
    row.data.forEach((r, i) => {
      addTo(out.data, r * width + element(column.data, i), element(updates.data, i));
    });
    return [out];
  },
};

/** Sums single elements into a matrix of zeros: updates, row and column [N] -> [P, V]. */
export function unpick(updates: Value, row: Value, column: Value, shape: Shape): Value {
  return updates.graph.apply(unpickOp, [updates, row, column], { shape })[0];
}
