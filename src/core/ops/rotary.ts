import { showShape, type Op, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";
import { element, float64s } from "./kernels.ts";
import { neg } from "./neg.ts";
import { expectFloat, expectInt, expectRank, lastKnown } from "./shapes.ts";

export const rotaryOp: Op<[x: Value, positions: Value, cos: Value, sin: Value]> = {
  name: "rotary",
  infer: ([x, positions, cos, sin]) => {
    expectFloat("rotary", x, cos, sin);
    expectInt("rotary", positions);
    expectRank("rotary", x, 4);
    expectRank("rotary", positions, 2);
    const width = lastKnown("rotary", x.shape);
    for (const table of [cos, sin]) {
      if (table.shape.length !== 2 || lastKnown("rotary", table.shape) * 2 !== width) {
        throw new ShapeError(
          `rotary: expected tables of half the width of ${showShape(x.shape)}, got ${showShape(table.shape)}`,
        );
      }
    }
    return [{ dtype: "float", shape: x.shape }];
  },
  // A rotation's transpose is the rotation by the opposite angle.
  vjp: ({ inputs: [, positions, cos, sin] }, [dy]) => [
    rotary(dy, positions, cos, neg(sin)),
    undefined,
    undefined,
    undefined,
  ],
  onnx: ([x, positions, cos, sin], { inputs }, e) => {
    const [, , heads, width] = inputs[0].shape as [unknown, unknown, number, number];
    const half = width / 2;
    if (e.fused) {
      const flat = e.node("Reshape", [x, e.int64s([0, 0, heads * width])]);
      const wide = e.node("Cast", [positions], { to: { int: 7 } });
      const attrs = { num_heads: { int: heads }, rotary_embedding_dim: { int: 0 }, interleaved: { int: 0 } };
      const y = e.node("RotaryEmbedding", [flat, wide, cos, sin], attrs, "com.microsoft");
      return [e.node("Reshape", [y, e.int64s([0, 0, heads, width])])];
    }
    const row = (table: string): string =>
      e.node("Unsqueeze", [e.node("Gather", [table, positions], { axis: { int: 0 } }), e.int64s([2])]);
    const [c, s] = [row(cos), row(sin)];
    const part = (start: number, end: number): string =>
      e.node("Slice", [x, e.int64s([start]), e.int64s([end]), e.int64s([3])]);
    const [a, b] = [part(0, half), part(half, width)];
    const times = (u: string, v: string): string => e.node("Mul", [u, v]);
    const first = e.node("Sub", [times(a, c), times(b, s)]);
    const second = e.node("Add", [times(b, c), times(a, s)]);
    return [e.node("Concat", [first, second], { axis: { int: 3 } })];
  },
  reference: ([x, positions, cos, sin]) => {
    const [, , heads, width] = expectRank("rotary", x, 4);
    const half = width / 2;
    const out = float64s(x.shape);
    positions.data.forEach((position, token) => {
      for (let h = 0; h < heads; h++) {
        const start = (token * heads + h) * width;
        for (let i = 0; i < half; i++) {
          const a = element(x.data, start + i);
          const b = element(x.data, start + half + i);
          const c = element(cos.data, position * half + i);
          const s = element(sin.data, position * half + i);
          out.data[start + i] = a * c - b * s;
          out.data[start + half + i] = b * c + a * s;
        }
      }
    });
    return [out];
  },
};

/**
 * Rotary position embedding, halves apart (not interleaved): each pair (x_i, x_{i + d/2}) is turned by the angle of its
 * position. x [B, T, heads, d], positions int [B, T], cos and sin tables [M, d/2] with M at least T and above every
 * position. The tables are constants: no gradient flows to them.
 */
export function rotary(x: Value, positions: Value, cos: Value, sin: Value): Value {
  return x.graph.apply(rotaryOp, [x, positions, cos, sin], {})[0];
}
