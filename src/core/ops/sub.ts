import type { Value } from "../graph/index.ts";
import { apply2, binary, type Operand } from "./elementwise.ts";
import { neg } from "./neg.ts";

export const subOp = binary({
  name: "sub",
  onnx: "Sub",
  f: (a, b) => a - b,
  // d(a - b) = da - db
  vjp: (_a, _b, dy) => [dy, neg(dy)],
});

/** a - b, broadcasting. */
export function sub(a: Operand, b: Operand): Value {
  return apply2(subOp, a, b);
}
