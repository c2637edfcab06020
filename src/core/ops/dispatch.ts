import { product, showShape, sizeOf, type Op, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";
import { combine } from "./combine.ts";
import type { ExpertBlocks } from "./expertBlocks.ts";
import { expectFloat, expectInt, expectRank, float64s } from "./helpers.ts";

export interface DispatchAttrs extends Record<string, number> {
  /** Slots of each row of x. */
  readonly slots: number;
}

export const dispatchOp: Op<DispatchAttrs> = {
  name: "dispatch",
  cheap: true,
  infer: ([x, place, source], { slots }) => {
    expectFloat("dispatch", x!);
    expectInt("dispatch", place!);
    expectInt("dispatch", source!);
    expectRank("dispatch", x!, 2);
    expectRank("dispatch", source!, 2);
    if (product([x!.shape[0]!, slots]) !== place!.shape[0]) {
      throw new ShapeError(
        `dispatch: expected ${slots} slots for each row of ${showShape(x!.shape)}, got ${showShape(place!.shape)}`,
      );
    }
    return [{ dtype: "float", shape: [...source!.shape, x!.shape[1]!] }];
  },
  vjp: ({ inputs: [x, place, source], attrs: { slots } }, [dy]) => [
    combine(dy!, { place: place!, source: source! }, slots, x!.shape[0]!),
    undefined,
    undefined,
  ],
  onnx: ([x, , source], { inputs, attrs: { slots } }, e) => {
    const zeros = e.node("Expand", [e.float(0), e.shape([1, inputs[0]!.shape[1]!])])[0]!;
    const padded = e.node("Concat", [x!, zeros], { axis: { int: 0 } })[0]!;
    const row = e.node("Div", [source!, e.int(slots)])[0]!;
    return e.node("Gather", [padded, row], { axis: { int: 0 } });
  },
  reference: ([x, , source], { slots }) => {
    const [rows, width] = x!.shape as [number, number];
    const out = float64s([...source!.shape, width]);
    for (let i = 0; i < sizeOf(source!.shape); i++) {
      const row = Math.floor(source!.data[i]! / slots);
      if (row < rows) out.data.set(x!.data.subarray(row * width, (row + 1) * width), i * width);
    }
    return [out];
  },
};

/** Rows to where their slots stand: x [R, I], each row having `slots` slots -> [blocks, rows, I]; padding is 0. */
export function dispatch(x: Value, { place, source }: Pick<ExpertBlocks, "place" | "source">, slots: number): Value {
  return x.graph.apply(dispatchOp, [x, place, source], { slots })[0]!;
}
