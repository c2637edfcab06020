import { product, sameShape, showShape, type Dim, type Op, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";
import { addTo, element, float64s } from "./kernels.ts";
import { at, expectFloat, expectInt } from "./shapes.ts";

export const gatherOp: Op<[table: Value, index: Value]> = {
  name: "gather",
  cheap: true,
  infer: ([table, index]) => {
    expectFloat("gather", table);
    expectInt("gather", index);
    return [{ dtype: "float", shape: [...index.shape, ...table.shape.slice(1)] }];
  },
  // d(table)[n] = the sum of dy over where index is n
  vjp: ({ inputs: [table, index] }, [dy]) => [scatterAdd(dy, index, at(table.shape, 0)), undefined],
  onnx: (inputs, _node, e) => [e.node("Gather", inputs, { axis: { int: 0 } })],
  reference: ([table, index]) => {
    const rest = table.shape.slice(1);
    const width = rest.reduce((a, b) => a * b, 1);
    const out = float64s([...index.shape, ...rest]);
    index.data.forEach((row, i) => out.data.set(table.data.subarray(row * width, (row + 1) * width), i * width));
    return [out];
  },
};

/** Rows of a table: table [N, ...rest], index [...shape] -> [...shape, ...rest]. */
export function gather(table: Value, index: Value): Value {
  return table.graph.apply(gatherOp, [table, index], {})[0];
}

export interface ScatterAddAttrs extends Record<string, Dim> {
  readonly rows: Dim;
}

/** So few rows are summed by a product with ones and zeros, which several threads can share; more are summed by one thread. */
const MATMUL_ROWS = 256;

/** The transpose of `gather`. */
export const scatterAddOp: Op<[updates: Value, index: Value], ScatterAddAttrs> = {
  name: "scatterAdd",
  infer: ([updates, index], { rows }) => {
    expectFloat("scatterAdd", updates);
    expectInt("scatterAdd", index);
    const rank = index.shape.length;
    if (!sameShape(updates.shape.slice(0, rank), index.shape)) {
      throw new ShapeError(
        `scatterAdd: expected updates ${showShape(updates.shape)} to begin with ${showShape(index.shape)}`,
      );
    }
    return [{ dtype: "float", shape: [rows, ...updates.shape.slice(rank)] }];
  },
  // d(updates)[i] = dy[index[i]]
  vjp: ({ inputs: [, index] }, [dy]) => [gather(dy, index), undefined],
  // ONNX Runtime's ScatterND adds with several threads and without locks, so that rows that come twice may get lost.
  onnx: ([updates, index], { inputs, outputs: [y], attrs: { rows } }, e) => {
    const width = product(y.shape.slice(1));
    const flat = e.node("Reshape", [index, e.int64s([-1])]);
    const flatUpdates = e.node("Reshape", [updates, e.shape([product(inputs[1].shape), width])]);
    const flatShape = e.shape([rows, width]);
    let sums: string;
    if (typeof rows === "number" && rows <= MATMUL_ROWS) {
      const row = e.node("Unsqueeze", [e.node("Range", [e.int(0), e.int(rows), e.int(1)]), e.int64s([1])]);
      const same = e.node("Cast", [e.node("Equal", [row, flat])], { to: { int: e.floatType } });
      sums = e.node("MatMul", [same, flatUpdates]);
    } else {
      const zeros = e.node("Expand", [e.float(0), flatShape]);
      const column = e.node("Unsqueeze", [flat, e.int64s([1])]);
      const places = e.node("Expand", [column, e.node("Shape", [flatUpdates])]);
      sums = e.node("ScatterElements", [zeros, places, flatUpdates], {
        axis: { int: 0 },
        reduction: { text: "add" },
      });
    }
    return [e.node("Reshape", [sums, e.shape(y.shape)])];
  },
  reference: ([updates, index], { rows }, { size }) => {
    const rest = updates.shape.slice(index.shape.length);
    const width = rest.reduce((a, b) => a * b, 1);
    const out = float64s([size(rows), ...rest]);
    index.data.forEach((row, i) => {
      for (let j = 0; j < width; j++) addTo(out.data, row * width + j, element(updates.data, i * width + j));
    });
    return [out];
  },
};

/** Sums rows into a table of zeros: updates [...shape, ...rest], index [...shape] -> [rows, ...rest]. */
export function scatterAdd(updates: Value, index: Value, rows: Dim): Value {
  return updates.graph.apply(scatterAddOp, [updates, index], { rows })[0];
}
