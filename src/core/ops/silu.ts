import type { Node, Op, Value } from "../graph/index.ts";
import { add } from "./add.ts";
import { apply1, unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { sigmoid } from "./sigmoid.ts";
import { sub } from "./sub.ts";

type SiluAttrs = Record<string, never>;

export const siluOp: Op<SiluAttrs> = {
  ...unary({
    name: "silu",
    onnx: "",
    f: (x) => x / (1 + Math.exp(-x)),
    // d(x s) = (s + y - y s) dx with s = sigmoid(x), y = x s
    vjp: (x, y, dy) => {
      const s = sigmoid(x);
      return mul(dy, add(y, mul(s, sub(1, y))));
    },
  }),
  onnx: ([x], _node: Node<SiluAttrs>, e) => {
    if (e.precision === "float32")
      return e.node("QuickGelu", [x!], { alpha: { float: 1 } }, { domain: "com.microsoft" });
    return e.node("Mul", [x!, e.node("Sigmoid", [x!])[0]!]);
  },
};

/** x * sigmoid(x), also called swish. */
export function silu(x: Value): Value {
  return apply1(siluOp, x);
}
