import type { Value } from "../graph/index.ts";
import { apply1, unary } from "./elementwise.ts";

export const stepOp = unary({
  name: "step",
  onnx: (x, e) => e.node("Cast", [e.node("Greater", [x, e.float(0)])], { to: { int: e.floatType } }),
  f: (x) => (x > 0 ? 1 : 0),
  // d(step x) = 0, at 0 too
  vjp: () => undefined,
});

/** 1 where x > 0, else 0. Its gradient is zero everywhere. */
export function step(x: Value): Value {
  return apply1(stepOp, x);
}
