import { product, quotient, sizeOf, sum, type Op, type Value } from "../graph/index.ts";
import { expectInt } from "./shapes.ts";

export interface ExpertBlocksAttrs extends Record<string, number> {
  readonly experts: number;
  /** Rows of a block. */
  readonly rows: number;
}

/**
 * Where the rows that go to one expert stand together. A slot is one choice of one token; S slots in all, in the order of the
 * index. Every expert gets as many blocks of `rows` rows as its slots fill, the last one padded.
 */
export interface ExpertBlocks {
  /** Row, among those of all blocks, of each slot [S]. */
  readonly place: Value;
  /** Slot of each row [blocks, rows]; S where there is none. */
  readonly source: Value;
  /** Expert of each block [blocks]; of those that no slot is in, the last one. */
  readonly expert: Value;
}

export const expertBlocksOp: Op<[index: Value], ExpertBlocksAttrs, [place: Value, source: Value, expert: Value]> = {
  name: "expertBlocks",
  infer: ([index], { experts, rows }) => {
    expectInt("expertBlocks", index);
    const slots = product(index.shape);
    // Each expert leaves less than a block empty.
    const blocks = sum([quotient(slots, rows), experts]);
    return [
      { dtype: "int", shape: [slots] },
      { dtype: "int", shape: [blocks, rows] },
      { dtype: "int", shape: [blocks] },
    ];
  },
  // Places have no gradient.
  vjp: () => [undefined],
  onnx: ([index], { attrs: { experts, rows }, outputs: [place, source, expert] }, e) => {
    const int32 = { to: { int: 6 } };
    const one = (type: string, ...inputs: string[]): string => e.node(type, inputs);
    const cast = (x: string): string => e.node("Cast", [x], int32);
    const sumOver = (x: string, axis: number): string =>
      e.node("ReduceSum", [x, e.int64s([axis])], { keepdims: { int: 0 } });
    const running = (x: string): string => one("CumSum", x, e.int(0));
    const upTo = (end: string): string => one("Range", e.int(0), end, e.int(1));

    const flat = one("Reshape", index, e.int64s([-1])); // [S]
    const column = one("Unsqueeze", flat, e.int64s([1]));
    const taken = cast(one("Equal", column, upTo(e.int(experts)))); // [S, E]
    const counts = sumOver(taken, 0);
    const blocks = one("Div", one("Add", counts, e.int(rows - 1)), e.int(rows));
    const ends = running(blocks); // [E]
    const first = one("Mul", one("Sub", ends, blocks), e.int(rows));
    const order = one(
      "Squeeze",
      e.node("GatherElements", [running(taken), column], { axis: { int: 1 } }),
      e.int64s([1]),
    );
    const places = one("Sub", one("Add", one("Gather", first, flat), order), e.int(1));

    const slots = cast(one("Squeeze", e.shape(place.shape)));
    const empty = one("Expand", slots, e.shape([product(source.shape)]));
    const sources = one("ScatterElements", empty, places, upTo(slots));
    const block = one("Unsqueeze", upTo(cast(one("Squeeze", e.shape(expert.shape)))), e.int64s([1]));
    const before = sumOver(cast(one("LessOrEqual", ends, block)), 1); // experts whose blocks end before
    return [places, one("Reshape", sources, e.shape(source.shape)), one("Min", before, e.int(experts - 1))];
  },
  reference: ([index], { experts, rows }) => {
    const slots = sizeOf(index.shape);
    const blocks = Math.ceil(slots / rows) + experts;
    const place = new Int32Array(slots);
    const source = new Int32Array(blocks * rows).fill(slots);
    const expert = new Int32Array(blocks).fill(experts - 1);
    let block = 0;
    for (let e = 0; e < experts; e++) {
      let row = block * rows;
      index.data.forEach((chosen, slot) => {
        if (chosen !== e) return;
        source[row] = slot;
        place[slot] = row++;
      });
      const end = Math.ceil(row / rows);
      expert.fill(e, block, end);
      block = end;
    }
    return [
      { shape: [slots], data: place },
      { shape: [blocks, rows], data: source },
      { shape: [blocks], data: expert },
    ];
  },
};

/** Groups slots by expert, in blocks of equally many rows: index [...] of 0 to experts - 1. */
export function expertBlocks(index: Value, experts: number, rows: number): ExpertBlocks {
  const [place, source, expert] = index.graph.apply(expertBlocksOp, [index], { experts, rows });
  return { place, source, expert };
}
