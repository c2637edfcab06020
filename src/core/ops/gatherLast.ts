import { sameShape, showShape, type Op, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";
import { addTo, element, float64s } from "./kernels.ts";
import { expectFloat, expectInt, lastKnown } from "./shapes.ts";

export const gatherLastOp: Op<[x: Value, index: Value]> = {
  name: "gatherLast",
  infer: ([x, index]) => {
    expectFloat("gatherLast", x);
    expectInt("gatherLast", index);
    if (!sameShape(x.shape.slice(0, -1), index.shape.slice(0, -1))) {
      throw new ShapeError(
        `gatherLast: expected indices ${showShape(index.shape)} to agree with ${showShape(x.shape)} but for the last axis`,
      );
    }
    return [{ dtype: "float", shape: index.shape }];
  },
  // dx[e] = the sum of dy over where index is e
  vjp: ({ inputs: [x, index] }, [dy]) => [scatterLast(dy, index, lastKnown("gatherLast", x.shape)), undefined],
  onnx: (inputs, _node, e) => [e.node("GatherElements", inputs, { axis: { int: -1 } })],
  reference: ([x, index]) => {
    const width = lastKnown("gatherLast", x.shape);
    const picks = lastKnown("gatherLast", index.shape);
    const out = float64s(index.shape);
    index.data.forEach((column, i) => (out.data[i] = element(x.data, Math.floor(i / picks) * width + column)));
    return [out];
  },
};

/** Elements along the last axis: x [..., E], index [..., K] -> [..., K]. */
export function gatherLast(x: Value, index: Value): Value {
  return x.graph.apply(gatherLastOp, [x, index], {})[0];
}

export interface ScatterLastAttrs extends Record<string, number> {
  readonly size: number;
}

/** The transpose of `gatherLast`. */
export const scatterLastOp: Op<[updates: Value, index: Value], ScatterLastAttrs> = {
  name: "scatterLast",
  infer: ([updates, index], { size }) => {
    expectFloat("scatterLast", updates);
    expectInt("scatterLast", index);
    if (!sameShape(updates.shape, index.shape)) {
      throw new ShapeError(
        `scatterLast: expected an index for each update, got ${showShape(index.shape)} and ${showShape(updates.shape)}`,
      );
    }
    return [{ dtype: "float", shape: updates.shape.with(-1, size) }];
  },
  // d(updates)[k] = dy[index[k]]
  vjp: ({ inputs: [, index] }, [dy]) => [gatherLast(dy, index), undefined],
  onnx: ([updates, index], { outputs: [y] }, e) => {
    const zeros = e.node("Expand", [e.float(0), e.shape(y.shape)]);
    const attrs = { axis: { int: -1 }, reduction: { text: "add" } };
    return [e.node("ScatterElements", [zeros, index, updates], attrs)];
  },
  reference: ([updates, index], { size }) => {
    const picks = lastKnown("scatterLast", index.shape);
    const out = float64s(updates.shape.with(-1, size));
    index.data.forEach((column, i) => {
      addTo(out.data, Math.floor(i / picks) * size + column, element(updates.data, i));
    });
    return [out];
  },
};

/** Sums elements into zeros along the last axis: updates and index [..., K] -> [..., size]. */
export function scatterLast(updates: Value, index: Value, size: number): Value {
  return updates.graph.apply(scatterLastOp, [updates, index], { size })[0];
}
