/**
 * An operation that is in no table, in one file: the logarithm of a sum of powers over the last axis, which stays as 1.
 *
 *   y = log sum_i exp(x_i) = m + log sum_i exp(x_i - m)          m = max_i x_i, so that no power overflows
 */
import type { Op, Value } from "../../src/core/graph/index.ts";
import { eachRow, element, float64s } from "../../src/core/ops/kernels.ts";
import { exp, mul, sub } from "../../src/core/ops/index.ts";
import { expectFloat } from "../../src/core/ops/shapes.ts";

const logSumExpOp: Op<[x: Value]> = {
  name: "logSumExp",
  infer: ([x]) => {
    expectFloat("logSumExp", x);
    return [{ dtype: "float", shape: x.shape.with(-1, 1) }];
  },
  // dx_i = exp(x_i - y) dy
  vjp: ({ inputs: [x], outputs: [y] }, [dy]) => [mul(dy, exp(sub(x, y)))],
  onnx: ([x], _node, e) => [e.node("ReduceLogSumExp", [x, e.int64s([-1])], { keepdims: { int: 1 } })],
  reference: ([x]) => {
    const out = float64s(x.shape.with(-1, 1));
    let row = 0;
    eachRow(x, (start, end) => {
      let max = -Infinity;
      for (let i = start; i < end; i++) max = Math.max(max, element(x.data, i));
      let total = 0;
      for (let i = start; i < end; i++) total += Math.exp(element(x.data, i) - max);
      out.data[row++] = max + Math.log(total);
    });
    return [out];
  },
};

/** log(sum(exp(x))) over the last axis: [..., N] -> [..., 1]. */
export function logSumExp(x: Value): Value {
  return x.graph.apply(logSumExpOp, [x], {})[0];
}
