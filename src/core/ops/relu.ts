import type { Value } from "../graph/index.ts";
import { apply1, unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { step } from "./step.ts";

export const reluOp = unary({
  name: "relu",
  onnx: "Relu",
  f: (x) => Math.max(x, 0),
  // d(relu x) = dx where x > 0, else 0
  vjp: (x, _y, dy) => mul(dy, step(x)),
});

/** max(x, 0); the gradient at 0 is 0. */
export function relu(x: Value): Value {
  return apply1(reluOp, x);
}
