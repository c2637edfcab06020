import { product, sameShape, showShape, type Dim, type Op, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";
import { dispatch } from "./dispatch.ts";
import type { ExpertBlocks } from "./expertBlocks.ts";
import { expectFloat, expectInt, expectRank, float64s } from "./helpers.ts";

export interface CombineAttrs extends Record<string, Dim> {
  /** Slots of each row of the result. */
  readonly slots: number;
  readonly rows: Dim;
}

export const combineOp: Op<CombineAttrs> = {
  name: "combine",
  infer: ([y, place, source], { slots, rows }) => {
    expectFloat("combine", y!);
    expectInt("combine", place!);
    expectInt("combine", source!);
    expectRank("combine", y!, 3);
    if (!sameShape(y!.shape.slice(0, 2), source!.shape)) {
      throw new ShapeError(`combine: expected blocks ${showShape(source!.shape)}, got ${showShape(y!.shape)}`);
    }
    if (product([rows, slots]) !== place!.shape[0]) {
      throw new ShapeError(`combine: expected ${slots} slots for each of ${rows} rows, got ${showShape(place!.shape)}`);
    }
    return [{ dtype: "float", shape: [rows, y!.shape[2]!] }];
  },
  vjp: ({ inputs: [, place, source], attrs: { slots } }, [dy]) => [
    dispatch(dy!, { place: place!, source: source! }, slots),
    undefined,
    undefined,
  ],
  onnx: ([y, place], { inputs, attrs: { slots, rows } }, e) => {
    const [blocks, height, width] = inputs[0]!.shape;
    const flat = e.node("Reshape", [y!, e.shape([product([blocks!, height!]), width!])])[0]!;
    const places = e.node("Reshape", [place!, e.shape([rows, slots])])[0]!;
    const found = e.node("Gather", [flat, places], { axis: { int: 0 } })[0]!; // [R, slots, O]
    return e.node("ReduceSum", [found, e.int64s([1])], { keepdims: { int: 0 } });
  },
  reference: ([y, place], { slots, rows }, { size }) => {
    const width = y!.shape[2]!;
    const out = float64s([size(rows), width]);
    place!.data.forEach((at, slot) => {
      const row = Math.floor(slot / slots);
      for (let j = 0; j < width; j++) out.data[row * width + j]! += y!.data[at * width + j]!;
    });
    return [out];
  },
};

/** What stands at the slots of each row, summed: y [blocks, rows, O] -> [R, O]. The transpose of `dispatch`. */
export function combine(
  y: Value,
  { place, source }: Pick<ExpertBlocks, "place" | "source">,
  slots: number,
  rows: Dim,
): Value {
  return y.graph.apply(combineOp, [y, place, source], { slots, rows })[0]!;
}
