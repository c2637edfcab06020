import type { Value } from "../graph/index.ts";
import { apply2, binary, type Operand } from "./elementwise.ts";

export const addOp = binary({
  name: "add",
  onnx: "Add",
  f: (a, b) => a + b,
  // d(a + b) = da + db
  vjp: (_a, _b, dy) => [dy, dy],
});

/** a + b, broadcasting. */
export function add(a: Operand, b: Operand): Value {
  return apply2(addOp, a, b);
}
