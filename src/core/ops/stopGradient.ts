import type { Value } from "../graph/index.ts";
import { apply1, unary } from "./elementwise.ts";

export const stopGradientOp = unary({
  name: "stopGradient",
  onnx: "Identity",
  f: (x) => x,
  // d = 0, by definition
  vjp: () => undefined,
});

/** x, taken as a constant by differentiation. */
export function stopGradient(x: Value): Value {
  return apply1(stopGradientOp, x);
}
