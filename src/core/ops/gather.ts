import type { Op, Value } from "../graph/index.ts";
import { expectFloat, expectInt, float64s } from "./helpers.ts";
import { scatterAdd } from "./scatterAdd.ts";

export const gatherOp: Op<Record<string, never>> = {
  name: "gather",
  cheap: true,
  infer: ([table, index]) => {
    expectFloat("gather", table!);
    expectInt("gather", index!);
    return [{ dtype: "float", shape: [...index!.shape, ...table!.shape.slice(1)] }];
  },
  vjp: ({ inputs: [table, index] }, [dy]) => [scatterAdd(dy!, index!, table!.shape[0]!), undefined],
  onnx: (inputs, _node, e) => e.node("Gather", inputs, { axis: { int: 0 } }),
  reference: ([table, index]) => {
    const width = table!.shape.slice(1).reduce((a, b) => a * b, 1);
    const out = float64s([...index!.shape, ...table!.shape.slice(1)]);
    index!.data.forEach((row, i) => out.data.set(table!.data.subarray(row * width, (row + 1) * width), i * width));
    return [out];
  },
};

/** Rows of a table: table [N, ...rest], index [...shape] -> [...shape, ...rest]. */
export function gather(table: Value, index: Value): Value {
  return table.graph.apply(gatherOp, [table, index], {})[0]!;
}
