/**
 * For every operation, an arbitrary that makes random small applications of it. The record is total over the operation
 * table: an operation without cases does not compile.
 */
import fc from "fast-check";
import type { HostTensor, Value } from "../../src/core/graph/index.ts";
import * as op from "../../src/core/ops/index.ts";

export interface Case {
  readonly inputs: readonly HostTensor[];
  /** Axes of each input whose size the operation must know when the graph is built. */
  readonly known?: readonly (readonly number[])[];
  readonly build: (values: readonly Value[]) => Value;
  /** Gradients are checked for these inputs (default: all floats). */
  readonly differentiable?: readonly number[];
}

const size = fc.integer({ min: 1, max: 4 });
export const shape = (min: number, max: number): fc.Arbitrary<number[]> =>
  fc.array(size, { minLength: min, maxLength: max });

/** Values that stay away from 0, where several operations have a kink or a pole. */
const number = fc
  .tuple(fc.double({ min: 0.1, max: 2, noNaN: true }), fc.boolean())
  .map(([x, negative]) => (negative ? -x : x));
const positive = fc.double({ min: 0.1, max: 3, noNaN: true });

export function floats(dims: readonly number[], element: fc.Arbitrary<number> = number): fc.Arbitrary<HostTensor> {
  const length = dims.reduce((a, b) => a * b, 1);
  return fc
    .array(element, { minLength: length, maxLength: length })
    .map((values) => ({ shape: dims, data: Float64Array.from(values) }));
}

function ints(dims: readonly number[], below: number): fc.Arbitrary<HostTensor> {
  const length = dims.reduce((a, b) => a * b, 1);
  return fc
    .array(fc.integer({ min: 0, max: below - 1 }), { minLength: length, maxLength: length })
    .map((values) => ({ shape: dims, data: Int32Array.from(values) }));
}

/** Distinct values in the whole tensor, far enough apart that small steps do not change their order. */
function distinct(dims: readonly number[]): fc.Arbitrary<HostTensor> {
  const length = dims.reduce((a, b) => a * b, 1);
  return fc
    .shuffledSubarray(
      Array.from({ length }, (_, i) => i),
      { minLength: length, maxLength: length },
    )
    .map((order) => ({ shape: dims, data: Float64Array.from(order, (i) => i / 4 - 1) }));
}

const unary = (f: (x: Value) => Value, element = number): fc.Arbitrary<Case> =>
  shape(0, 3)
    .chain((dims) => floats(dims, element))
    .map((x) => ({ inputs: [x], build: ([v]) => f(v!) }));

/** Two shapes that broadcast, neither of them necessarily the larger. */
const broadcasting = shape(0, 3).chain((dims) => {
  const drop = fc.array(fc.boolean(), { minLength: dims.length, maxLength: dims.length });
  const side = fc
    .tuple(drop, fc.integer({ min: 0, max: dims.length }))
    .map(([ones, lead]) => dims.map((d, i) => (ones[i]! ? 1 : d)).slice(lead));
  return fc.tuple(side, side);
});

const binary = (f: (a: Value, b: Value) => Value): fc.Arbitrary<Case> =>
  broadcasting
    .chain(([a, b]) => fc.tuple(floats(a), floats(b)))
    .map((inputs) => ({ inputs, build: ([a, b]) => f(a!, b!) }));

const reduction = (f: (x: Value, axes: readonly number[], keep: boolean) => Value): fc.Arbitrary<Case> =>
  shape(1, 3).chain((dims) =>
    fc
      .tuple(distinct(dims), fc.subarray([...dims.keys()], { minLength: 1 }), fc.boolean())
      .map(([x, axes, keep]) => ({ inputs: [x], build: ([v]) => f(v!, axes, keep) })),
  );

const matmul: fc.Arbitrary<Case> = fc
  .record({
    m: size,
    k: size,
    n: size,
    transA: fc.boolean(),
    transB: fc.boolean(),
    batch: broadcasting,
    alpha: fc.constantFrom(1, 0.5),
  })
  .chain(({ m, k, n, transA, transB, batch: [batchA, batchB], alpha }) =>
    fc
      .tuple(floats([...batchA, ...(transA ? [k, m] : [m, k])]), floats([...batchB, ...(transB ? [n, k] : [k, n])]))
      .map((inputs) => ({ inputs, build: ([a, b]) => op.matmul(a!, b!, { transA, transB, alpha }) })),
  );

/** Tokens [R, I], the experts of their K slots [R, K], and values by expert [E, I]. */
const routed = (build: (x: Value, index: Value, ofExperts: Value, experts: number) => Value): fc.Arbitrary<Case> =>
  fc
    .record({ rows: fc.integer({ min: 1, max: 9 }), slots: size, experts: size, width: size })
    .chain(({ rows, slots, experts, width }) =>
      fc.tuple(floats([rows, width]), ints([rows, slots], experts), floats([experts, width])).map((inputs) => ({
        inputs,
        known: [[], [1], [0]],
        build: ([x, index, ofExperts]) => build(x!, index!, ofExperts!, experts),
      })),
    );

export const cases: Record<op.OpName, fc.Arbitrary<Case>> = {
  add: binary(op.add),
  sub: binary(op.sub),
  mul: binary(op.mul),
  div: binary(op.div),
  neg: unary(op.neg),
  exp: unary(op.exp),
  log: unary(op.log, positive),
  sqrt: unary(op.sqrt, positive),
  sigmoid: unary(op.sigmoid),
  tanh: unary(op.tanh),
  relu: unary(op.relu),
  step: unary(op.step),
  stopGradient: unary((x) => op.mul(op.stopGradient(x), 2)).map((c) => ({ ...c, differentiable: [] })),
  silu: unary(op.silu),
  erf: unary(op.erf, fc.double({ min: -4, max: 4, noNaN: true })),
  constant: fc.tuple(floats([2]), number).map(([x, c]) => ({ inputs: [x], build: ([v]) => op.mul(v!, c) })),
  reduceSum: reduction(op.reduceSum),
  reduceMax: reduction(op.reduceMax),
  softmax: shape(1, 3)
    .chain((dims) => floats(dims))
    .map((x) => ({ inputs: [x], build: ([v]) => op.softmax(v!) })),
  matmul,
  reshape: fc.tuple(size, size, size).chain(([a, b, c]) =>
    floats([a, b, c]).map((x) => ({
      inputs: [x],
      known: [[2]],
      build: ([v]) => {
        const [da, db] = v!.shape;
        const flat = op.reshape(v!, [
          typeof da === "number" && typeof db === "number" ? da * db : [da, db].sort().join("*"),
          c,
        ]);
        return op.reshape(op.mul(flat, flat), [da!, db!, c]);
      },
    })),
  ),
  transpose: shape(1, 4).chain((dims) =>
    fc
      .tuple(floats(dims), fc.shuffledSubarray([...dims.keys()], { minLength: dims.length }))
      .map(([x, perm]) => ({ inputs: [x], build: ([v]) => op.transpose(v!, perm) })),
  ),
  expand: broadcasting.chain(([from, lead]) =>
    floats(from).map((x) => ({
      inputs: [x],
      build: ([v]) => op.expand(v!, [...lead, ...v!.shape]),
    })),
  ),
  slice: shape(1, 3).chain((dims) =>
    fc
      .integer({ min: 0, max: dims.length - 1 })
      .chain((axis) =>
        fc.tuple(
          floats(dims),
          fc.constant(axis),
          fc.integer({ min: 0, max: dims[axis]! - 1 }),
          fc.integer({ min: 1, max: dims[axis]! }),
        ),
      )
      .map(([x, axis, a, b]) => ({
        inputs: [x],
        known: [[axis]],
        build: ([v]) => op.slice(v!, axis, Math.min(a, b - 1), Math.max(a + 1, b)),
      })),
  ),
  concat: shape(1, 3).chain((dims) =>
    fc
      .tuple(fc.integer({ min: 0, max: dims.length - 1 }), fc.array(size, { minLength: 1, maxLength: 3 }))
      .chain(([axis, sizes]) =>
        fc
          .tuple(...sizes.map((s) => floats(dims.with(axis, s))))
          .map((inputs) => ({ inputs, known: inputs.map(() => [axis]), build: (values) => op.concat(values, axis) })),
      ),
  ),
  gather: fc
    .tuple(size, shape(0, 2), shape(1, 2))
    .chain(([rows, rest, index]) =>
      fc
        .tuple(floats([rows, ...rest]), ints(index, rows))
        .map((inputs) => ({ inputs, build: ([x, i]) => op.gather(x!, i!) })),
    ),
  scatterAdd: fc
    .tuple(size, shape(0, 2), shape(1, 2))
    .chain(([rows, rest, index]) =>
      fc
        .tuple(floats([...index, ...rest]), ints(index, rows))
        .map((inputs) => ({ inputs, build: ([x, i]) => op.scatterAdd(x!, i!, rows) })),
    ),
  gatherLast: fc
    .tuple(shape(0, 2), size, size)
    .chain(([lead, width, picks]) =>
      fc
        .tuple(floats([...lead, width]), ints([...lead, picks], width))
        .map((inputs) => ({ inputs, known: [[lead.length], []], build: ([x, i]) => op.gatherLast(x!, i!) })),
    ),
  scatterLast: fc
    .tuple(shape(0, 2), size, size)
    .chain(([lead, width, picks]) =>
      fc
        .tuple(floats([...lead, picks]), ints([...lead, picks], width))
        .map((inputs) => ({ inputs, build: ([x, i]) => op.scatterLast(x!, i!, width) })),
    ),
  pick: fc
    .tuple(size, size, size)
    .chain(([p, v, n]) =>
      fc
        .tuple(floats([p, v]), ints([n], p), ints([n], v))
        .map((inputs) => ({ inputs, build: ([x, r, c]) => op.pick(x!, r!, c!) })),
    ),
  unpick: fc
    .tuple(size, size, size)
    .chain(([p, v, n]) =>
      fc
        .tuple(floats([n]), ints([n], p), ints([n], v))
        .map((inputs) => ({ inputs, build: ([x, r, c]) => op.unpick(x!, r!, c!, [p, v]) })),
    ),
  topK: fc
    .tuple(shape(0, 2), size)
    .chain(([lead, width]) =>
      fc.tuple(distinct([...lead, width]), fc.integer({ min: 1, max: width }), fc.constant(lead.length)),
    )
    .map(([x, k, last]) => ({ inputs: [x], known: [[last]], build: ([v]) => op.gatherLast(v!, op.topK(v!, k)) })),
  expertBlocks: routed((_x, index, ofExperts, experts) =>
    op.gather(ofExperts, op.expertBlocks(index, experts, 2).expert),
  ).map((c) => ({ ...c, differentiable: [2] })),
  dispatch: routed((x, index, _ofExperts, experts) =>
    op.dispatch(x, op.expertBlocks(index, experts, 3), index.shape[1] as number),
  ).map((c) => ({ ...c, differentiable: [0] })),
  // Each token's sum over its slots of itself times a value of the slot's expert.
  combine: routed((x, index, ofExperts, experts) => {
    const slots = index.shape[1] as number;
    const blocks = op.expertBlocks(index, experts, 2);
    const factors = op.reshape(op.gather(ofExperts, blocks.expert), [blocks.expert.shape[0]!, 1, ofExperts.shape[1]!]);
    return op.combine(op.mul(op.dispatch(x, blocks, slots), factors), blocks, slots, x.shape[0]!);
  }),
  rmsNorm: fc
    .tuple(shape(0, 2), size)
    .chain(([lead, width]) =>
      fc
        .tuple(floats([...lead, width]), floats([width]))
        .map((inputs) => ({ inputs, known: [[lead.length], [0]], build: ([x, w]) => op.rmsNorm(x!, w!, 1e-5) })),
    ),
  rotary: fc.tuple(size, size, size, fc.constantFrom(2, 4, 8)).chain(([b, t, heads, width]) =>
    fc
      .tuple(
        floats([b, t, heads, width]),
        ints([b, t], 6),
        floats([6, width / 2], fc.double({ min: 0, max: 3, noNaN: true })),
      )
      .map(([x, positions, angles]) => ({
        inputs: [
          x,
          positions,
          { shape: angles.shape, data: Float64Array.from(angles.data, Math.cos) },
          { shape: angles.shape, data: Float64Array.from(angles.data, Math.sin) },
        ],
        known: [[2, 3], [], [1], [1]],
        differentiable: [0],
        build: ([v, p, cos, sin]) => op.rotary(v!, p!, cos!, sin!),
      })),
  ),
};
