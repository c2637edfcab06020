import type { Value } from "../graph/index.ts";
import { apply1, unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { sub } from "./sub.ts";

export const tanhOp = unary({
  name: "tanh",
  onnx: "Tanh",
  f: Math.tanh,
  // d(tanh x) = (1 - tanh^2 x) dx
  vjp: (_x, y, dy) => mul(dy, sub(1, mul(y, y))),
});

/** Hyperbolic tangent. */
export function tanh(x: Value): Value {
  return apply1(tanhOp, x);
}
