import type { Value } from "../graph/index.ts";
import { apply1, unary } from "./elementwise.ts";
import { mul } from "./mul.ts";

export const expOp = unary({
  name: "exp",
  onnx: "Exp",
  f: Math.exp,
  // d(e^x) = e^x dx
  vjp: (_x, y, dy) => mul(dy, y),
});

/** e^x */
export function exp(x: Value): Value {
  return apply1(expOp, x);
}
