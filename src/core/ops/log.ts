import type { Value } from "../graph/index.ts";
import { div } from "./div.ts";
import { apply1, unary } from "./elementwise.ts";

export const logOp = unary({
  name: "log",
  onnx: "Log",
  f: Math.log,
  // d(log x) = dx / x
  vjp: (x, _y, dy) => div(dy, x),
});

/** Natural logarithm. */
export function log(x: Value): Value {
  return apply1(logOp, x);
}
