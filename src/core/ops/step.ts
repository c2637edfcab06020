import type { Node, Op, Value } from "../graph/index.ts";
import { apply1, unary } from "./elementwise.ts";

type StepAttrs = Record<string, never>;

export const stepOp: Op<StepAttrs> = {
  ...unary({ name: "step", onnx: "", f: (x) => (x > 0 ? 1 : 0), vjp: () => undefined }),
  onnx: ([x], _node: Node<StepAttrs>, e) => {
    const [positive] = e.node("Greater", [x!, e.float(0)]);
    return e.node("Cast", [positive!], { to: { int: e.floatType } });
  },
};

/** 1 where x > 0, else 0. Its gradient is zero everywhere. */
export function step(x: Value): Value {
  return apply1(stepOp, x);
}
