import { product, sameShape, showShape, type Dim, type Op, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";
import type { ExpertBlocks } from "./expertBlocks.ts";
import { addTo, element, float64s } from "./kernels.ts";
import { at, expectFloat, expectInt, expectRank } from "./shapes.ts";

export interface DispatchAttrs extends Record<string, number> {
  /** Slots of each row of x. */
  readonly slots: number;
}

export const dispatchOp: Op<[x: Value, place: Value, source: Value], DispatchAttrs> = {
  name: "dispatch",
  cheap: true,
  infer: ([x, place, source], { slots }) => {
    expectFloat("dispatch", x);
    expectInt("dispatch", place);
    expectInt("dispatch", source);
    const [rows, width] = expectRank("dispatch", x, 2);
    expectRank("dispatch", source, 2);
    if (product([rows, slots]) !== place.shape[0]) {
      throw new ShapeError(
        `dispatch: expected ${slots} slots for each row of ${showShape(x.shape)}, got ${showShape(place.shape)}`,
      );
    }
    return [{ dtype: "float", shape: [...source.shape, width] }];
  },
  // dx = the sum of dy over the row's slots
  vjp: ({ inputs: [x, place, source], attrs: { slots } }, [dy]) => [
    combine(dy, { place, source }, slots, at(x.shape, 0)),
    undefined,
    undefined,
  ],
  onnx: ([x, , source], { inputs, attrs: { slots } }, e) => {
    const zeros = e.node("Expand", [e.float(0), e.shape([1, at(inputs[0].shape, 1)])]);
    const padded = e.node("Concat", [x, zeros], { axis: { int: 0 } });
    const row = e.node("Div", [source, e.int(slots)]);
    return [e.node("Gather", [padded, row], { axis: { int: 0 } })];
  },
  reference: ([x, , source], { slots }) => {
    const [rows, width] = expectRank("dispatch", x, 2);
    const out = float64s([...source.shape, width]);
    source.data.forEach((slot, i) => {
      const row = Math.floor(slot / slots);
      if (row < rows) out.data.set(x.data.subarray(row * width, (row + 1) * width), i * width);
    });
    return [out];
  },
};

/** Rows to where their slots stand: x [R, I], each row having `slots` slots -> [blocks, rows, I]; padding is 0. */
export function dispatch(x: Value, { place, source }: Pick<ExpertBlocks, "place" | "source">, slots: number): Value {
  return x.graph.apply(dispatchOp, [x, place, source], { slots })[0];
}

export interface CombineAttrs extends Record<string, Dim> {
  /** Slots of each row of the result. */
  readonly slots: number;
  readonly rows: Dim;
}

/** The transpose of `dispatch`. */
export const combineOp: Op<[y: Value, place: Value, source: Value], CombineAttrs> = {
  name: "combine",
  infer: ([y, place, source], { slots, rows }) => {
    expectFloat("combine", y);
    expectInt("combine", place);
    expectInt("combine", source);
    const [, , width] = expectRank("combine", y, 3);
    if (!sameShape(y.shape.slice(0, 2), source.shape)) {
      throw new ShapeError(`combine: expected blocks ${showShape(source.shape)}, got ${showShape(y.shape)}`);
    }
    if (product([rows, slots]) !== place.shape[0]) {
      throw new ShapeError(`combine: expected ${slots} slots for each of ${rows} rows, got ${showShape(place.shape)}`);
    }
    return [{ dtype: "float", shape: [rows, width] }];
  },
  // d(y) of a slot = dy of the row that it belongs to
  vjp: ({ inputs: [, place, source], attrs: { slots } }, [dy]) => [
    dispatch(dy, { place, source }, slots),
    undefined,
    undefined,
  ],
  onnx: ([y, place], { inputs, attrs: { slots, rows } }, e) => {
    const [blocks, height, width] = expectRank("combine", inputs[0], 3);
    const flat = e.node("Reshape", [y, e.shape([product([blocks, height]), width])]);
    const places = e.node("Reshape", [place, e.shape([rows, slots])]);
    const found = e.node("Gather", [flat, places], { axis: { int: 0 } }); // [R, slots, O]
    return [e.node("ReduceSum", [found, e.int64s([1])], { keepdims: { int: 0 } })];
  },
  reference: ([y, place], { slots, rows }, { size }) => {
    const [, , width] = expectRank("combine", y, 3);
    const out = float64s([size(rows), width]);
    place.data.forEach((from, slot) => {
      const row = Math.floor(slot / slots);
      for (let j = 0; j < width; j++) addTo(out.data, row * width + j, element(y.data, from * width + j));
    });
    return [out];
  },
};

/** What stands at the slots of each row, summed: y [blocks, rows, O] -> [R, O]. */
export function combine(
  y: Value,
  { place, source }: Pick<ExpertBlocks, "place" | "source">,
  slots: number,
  rows: Dim,
): Value {
  return y.graph.apply(combineOp, [y, place, source], { slots, rows })[0];
}
