import type { Value } from "../graph/index.ts";
import { apply2, binary } from "./elementwise.ts";
import type { Operand } from "./helpers.ts";
import { neg } from "./neg.ts";

export const subOp = binary({
  name: "sub",
  onnx: "Sub",
  f: (a, b) => a - b,
  vjp: (_a, _b, dy) => [dy, neg(dy)],
});

/** a - b, broadcasting. */
export function sub(a: Operand, b: Operand): Value {
  return apply2(subOp, a, b);
}
