import type { Value } from "../graph/index.ts";
import { apply2, binary, type Operand } from "./elementwise.ts";

export const mulOp = binary({
  name: "mul",
  onnx: "Mul",
  f: (a, b) => a * b,
  // d(a b) = b da + a db
  vjp: (a, b, dy) => [mul(dy, b), mul(dy, a)],
});

/** a * b, broadcasting. */
export function mul(a: Operand, b: Operand): Value {
  return apply2(mulOp, a, b);
}
