import type { Op, Value } from "../graph/index.ts";
import { eachRow, element, float64s } from "./kernels.ts";
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
    eachRow(x, (start, end) => {
      let max = -Infinity;
      for (let i = start; i < end; i++) max = Math.max(max, element(x.data, i));
      let total = 0;
      for (let i = start; i < end; i++) total += out.data[i] = Math.exp(element(x.data, i) - max);
      for (let i = start; i < end; i++) out.data[i] = element(out.data, i) / total;
    });
    return [out];
  },
};

/** Softmax over the last axis. */
export function softmax(x: Value): Value {
  return x.graph.apply(softmaxOp, [x], {})[0];
}
