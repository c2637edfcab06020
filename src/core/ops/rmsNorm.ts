import { sameShape, showShape, type Op, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";
import { eachRow, element, float64s } from "./kernels.ts";
import { mul } from "./mul.ts";
import { reduceSum, sumTo } from "./reduceSum.ts";
import { expectFloat, lastKnown } from "./shapes.ts";
import { sub } from "./sub.ts";

export interface RmsNormAttrs extends Record<string, number> {
  readonly epsilon: number;
}

export const rmsNormOp: Op<[x: Value, weight: Value], RmsNormAttrs, [y: Value, r: Value]> = {
  name: "rmsNorm",
  cheap: true,
  infer: ([x, weight]) => {
    expectFloat("rmsNorm", x, weight);
    if (!sameShape(weight.shape, x.shape.slice(-1))) {
      throw new ShapeError(
        `rmsNorm: expected a weight for each of the last axis of ${showShape(x.shape)}, got ${showShape(weight.shape)}`,
      );
    }
    return [
      { dtype: "float", shape: x.shape },
      { dtype: "float", shape: x.shape.with(-1, 1) },
    ];
  },
  // y = w x r with r = (mean(x^2) + eps)^(-1/2):  dx = r (w dy - x r^2 mean(x w dy)),  dw = sum(dy x r)
  vjp: ({ inputs: [x, weight], outputs: [, r] }, [dy, dr]) => {
    if (!dy || dr) throw new Error("rmsNorm: its second output is for its own gradient only");
    const width = lastKnown("rmsNorm", x.shape);
    const scaled = mul(dy, weight);
    const mean = mul(reduceSum(mul(x, scaled), [-1], true), 1 / width);
    const dx = mul(sub(scaled, mul(x, mul(mul(r, r), mean))), r);
    return [dx, sumTo(mul(mul(x, r), dy), weight.shape)];
  },
  onnx: ([x, weight], { attrs: { epsilon } }, e) => {
    if (e.fused) {
      const attrs = { axis: { int: -1 }, epsilon: { float: epsilon }, stash_type: { int: 1 } };
      return e.pair("SimplifiedLayerNormalization", [x, weight], attrs);
    }
    const square = e.node("Mul", [x, x]);
    const mean = e.node("ReduceMean", [square, e.int64s([-1])], { keepdims: { int: 1 } });
    const root = e.node("Sqrt", [e.node("Add", [mean, e.float(epsilon)])]);
    const r = e.node("Reciprocal", [root]);
    return [e.node("Mul", [e.node("Mul", [x, r]), weight]), r];
  },
  reference: ([x, weight], { epsilon }) => {
    const y = float64s(x.shape);
    const r = float64s(x.shape.with(-1, 1));
    let row = 0;
    eachRow(x, (start, end) => {
      let total = 0;
      for (let i = start; i < end; i++) total += element(x.data, i) ** 2;
      const scale = 1 / Math.sqrt(total / (end - start) + epsilon);
      r.data[row++] = scale;
      for (let i = start; i < end; i++) y.data[i] = element(x.data, i) * scale * element(weight.data, i - start);
    });
    return [y, r];
  },
};

/** Root-mean-square normalisation over the last axis: x / sqrt(mean(x^2) + epsilon) * weight. */
export function rmsNorm(x: Value, weight: Value, epsilon: number): Value {
  return x.graph.apply(rmsNormOp, [x, weight], { epsilon })[0];
}
