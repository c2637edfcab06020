import type { Value } from "../graph/index.ts";
import { apply1, unary } from "./elementwise.ts";

export const negOp = unary({
  name: "neg",
  onnx: "Neg",
  f: (x) => -x,
  // d(-x) = -dx
  vjp: (_x, _y, dy) => neg(dy),
});

/** -x */
export function neg(x: Value): Value {
  return apply1(negOp, x);
}
