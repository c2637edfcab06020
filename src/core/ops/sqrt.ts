import type { Value } from "../graph/index.ts";
import { div } from "./div.ts";
import { apply1, unary } from "./elementwise.ts";
import { mul } from "./mul.ts";

export const sqrtOp = unary({
  name: "sqrt",
  onnx: "Sqrt",
  f: Math.sqrt,
  // d(sqrt x) = dx / (2 sqrt x)
  vjp: (_x, y, dy) => div(mul(dy, 0.5), y),
});

/** Square root. */
export function sqrt(x: Value): Value {
  return apply1(sqrtOp, x);
}
