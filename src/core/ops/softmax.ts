import type { Op, Value } from "../graph/index.ts";
import { expectFloat, float64s, rows } from "./helpers.ts";
import { mul } from "./mul.ts";
import { reduceSum } from "./reduceSum.ts";
import { sub } from "./sub.ts";

export const softmaxOp: Op<Record<string, never>> = {
  name: "softmax",
  infer: ([x]) => {
    expectFloat("softmax", x!);
    return [{ dtype: "float", shape: x!.shape }];
  },
  // dx = y (dy - sum(y dy))
  vjp: ({ outputs: [y] }, [dy]) => {
    const weighted = mul(dy!, y!);
    return [sub(weighted, mul(y!, reduceSum(weighted, [-1], true)))];
  },
  onnx: (inputs, _node, e) => e.node("Softmax", inputs, { axis: { int: -1 } }),
  reference: ([x]) => {
    const out = float64s(x!.shape);
    rows(x!.shape, (start, width) => {
      const row = x!.data.subarray(start, start + width);
      let max = -Infinity;
      for (const logit of row) max = Math.max(max, logit);
      let total = 0;
      for (let i = 0; i < width; i++) total += out.data[start + i] = Math.exp(row[i]! - max);
      for (let i = 0; i < width; i++) out.data[start + i]! /= total;
    });
    return [out];
  },
};

/** Softmax over the last axis. */
export function softmax(x: Value): Value {
  return x.graph.apply(softmaxOp, [x], {})[0]!;
}
