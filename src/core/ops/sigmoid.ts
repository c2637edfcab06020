import type { Value } from "../graph/index.ts";
import { apply1, unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { sub } from "./sub.ts";

export const sigmoidOp = unary({
  name: "sigmoid",
  onnx: "Sigmoid",
  f: (x) => 1 / (1 + Math.exp(-x)),
  // d(s) = s (1 - s) dx
  vjp: (_x, y, dy) => mul(dy, mul(y, sub(1, y))),
});

/** 1 / (1 + e^-x) */
export function sigmoid(x: Value): Value {
  return apply1(sigmoidOp, x);
}
