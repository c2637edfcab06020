import type { Graph, Op, Value } from "../graph/index.ts";

export interface ConstantAttrs extends Record<string, number> {
  readonly value: number;
}

export const constantOp: Op<[], ConstantAttrs> = {
  name: "constant",
  cheap: true,
  infer: () => [{ dtype: "float", shape: [] }],
  vjp: () => [],
  onnx: (_inputs, { attrs: { value } }, e) => [e.float(value)],
  reference: (_inputs, { value }) => [{ shape: [], data: Float64Array.of(value) }],
};

/** A float scalar known when the graph is built. */
export function constant(graph: Graph, value: number): Value {
  if (!Number.isFinite(value)) throw new RangeError(`constant: expected a finite number, got ${value}`);
  return graph.apply(constantOp, [], { value })[0];
}
