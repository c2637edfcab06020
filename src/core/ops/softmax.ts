import type { Op, Value } from "../graph/index.ts";
import { float64s, rows } from "./kernels.ts";
import { mul } from "./mul.ts";
import { reduceSum } from "./reduceSum.ts";
import { expectFloat } from "./shapes.ts";
import { sub } from "./sub.ts";

export const softmaxOp: Op<[x: Value]> = {
  name: "softmax",
  infer: ([x]) => {
    expectFloat("softmax", x);
    return [{ dtype: "float", shape: x.shape }];
  },
  // dx = y (dy - sum(y dy))
  vjp: ({ outputs: [y] }, [dy]) => {
    const weighted = mul(dy, y);
    return [sub(weighted, mul(y, reduceSum(weighted, [-1], true)))];
  },
  onnx: (inputs, _node, e) => [e.node("Softmax", inputs, { axis: { int: -1 } })],
  reference: ([x]) => {
    const out = float64s(x.shape);
    for (const [start, row] of rows(x)) {
      let max = -Infinity;
      for (const logit of row) max = Math.max(max, logit);
      const powers = new Float64Array(row).map((logit) => Math.exp(logit - max));
      const total = powers.reduce((sum, power) => sum + power, 0);
      out.data.set(
        powers.map((power) => power / total),
        start,
      );
    }
    return [out];
  },
};

/** Softmax over the last axis. */
export function softmax(x: Value): Value {
  return x.graph.apply(softmaxOp, [x], {})[0];
}
