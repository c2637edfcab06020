import type { Value } from "../graph/index.ts";
import { add } from "./add.ts";
import { apply1, unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { sigmoid } from "./sigmoid.ts";
import { sub } from "./sub.ts";

export const siluOp = unary({
  name: "silu",
  onnx: (x, e) =>
    e.fused
      ? e.node("QuickGelu", [x], { alpha: { float: 1 } }, "com.microsoft")
      : e.node("Mul", [x, e.node("Sigmoid", [x])]),
  f: (x) => x / (1 + Math.exp(-x)),
  // d(x s) = (s + y - y s) dx with s = sigmoid(x), y = x s
  vjp: (x, y, dy) => {
    const s = sigmoid(x);
    return mul(dy, add(y, mul(s, sub(1, y))));
  },
});

/** x * sigmoid(x), also called swish. */
export function silu(x: Value): Value {
  return apply1(siluOp, x);
}
