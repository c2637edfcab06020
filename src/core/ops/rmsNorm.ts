import { ShapeError } from "../util/index.ts";
import { sameShape, showShape, type Op, type Value } from "../graph/index.ts";
import { expectFloat, float64s, lastKnown, rows, sumTo } from "./helpers.ts";
import { mul } from "./mul.ts";
import { reduceSum } from "./reduceSum.ts";
import { sub } from "./sub.ts";

export interface RmsNormAttrs extends Record<string, number> {
  readonly epsilon: number;
}

export const rmsNormOp: Op<RmsNormAttrs> = {
  name: "rmsNorm",
  cheap: true,
  infer: ([x, weight]) => {
    expectFloat("rmsNorm", x!, weight!);
    if (!sameShape(weight!.shape, x!.shape.slice(-1))) {
      throw new ShapeError(
        `rmsNorm: expected a weight for each of the last axis of ${showShape(x!.shape)}, got ${showShape(weight!.shape)}`,
      );
    }
    return [
      { dtype: "float", shape: x!.shape },
      { dtype: "float", shape: x!.shape.with(-1, 1) },
    ];
  },
  // y = w x r with r = (mean(x^2) + eps)^(-1/2):  dx = r (w dy - x r^2 mean(x w dy)),  dw = sum(dy x r)
  vjp: ({ inputs: [x, weight], outputs: [, r] }, [dy, dr]) => {
    if (dr) throw new Error("rmsNorm: its second output is for its own gradient only");
    const width = lastKnown("rmsNorm", x!.shape);
    const scaled = mul(dy!, weight!);
    const mean = mul(reduceSum(mul(x!, scaled), [-1], true), 1 / width);
    const dx = mul(sub(scaled, mul(x!, mul(mul(r!, r!), mean))), r!);
    return [dx, sumTo(mul(mul(x!, r!), dy!), weight!.shape)];
  },
  onnx: ([x, weight], { attrs: { epsilon } }, e) => {
    if (e.precision === "float32") {
      const attrs = { axis: { int: -1 }, epsilon: { float: epsilon }, stash_type: { int: 1 } };
      return e.node("SimplifiedLayerNormalization", [x!, weight!], attrs, { outputs: 2 });
    }
    const square = e.node("Mul", [x!, x!])[0]!;
    const mean = e.node("ReduceMean", [square, e.int64s([-1])], { keepdims: { int: 1 } })[0]!;
    const root = e.node("Sqrt", [e.node("Add", [mean, e.float(epsilon)])[0]!])[0]!;
    const r = e.node("Reciprocal", [root])[0]!;
    const [y] = e.node("Mul", [e.node("Mul", [x!, r])[0]!, weight!]);
    return [y!, r];
  },
  reference: ([x, weight], { epsilon }) => {
    const y = float64s(x!.shape);
    const r = float64s(x!.shape.with(-1, 1));
    let row = 0;
    rows(x!.shape, (start, width) => {
      let total = 0;
      for (let i = 0; i < width; i++) total += x!.data[start + i]! ** 2;
      const scale = 1 / Math.sqrt(total / width + epsilon);
      r.data[row++] = scale;
      for (let i = 0; i < width; i++) y.data[start + i] = x!.data[start + i]! * scale * weight!.data[i]!;
    });
    return [y, r];
  },
};

/** Root-mean-square normalisation over the last axis: x / sqrt(mean(x^2) + epsilon) * weight. */
export function rmsNorm(x: Value, weight: Value, epsilon: number): Value {
  return x.graph.apply(rmsNormOp, [x, weight], { epsilon })[0]!;
}
