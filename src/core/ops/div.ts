import type { Value } from "../graph/index.ts";
import { apply2, binary, type Operand } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";

export const divOp = binary({
  name: "div",
  onnx: "Div",
  f: (a, b) => a / b,
  // d(a/b) = da/b - a/b^2 db
  vjp: (a, b, dy) => [div(dy, b), neg(div(mul(dy, a), mul(b, b)))],
});

/** a / b, broadcasting. */
export function div(a: Operand, b: Operand): Value {
  return apply2(divOp, a, b);
}
