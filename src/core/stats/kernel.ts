import { CumaError, formatBytes } from "../util/index.ts";

/**
 * The innermost loop of the bootstrap and of the permutation test, as a WebAssembly module with 128-bit vectors: four
 * times as fast as the same loop in JavaScript, to the same bits (docs/benchmarks.md). In the text format, `x*8` standing for the shifts that it is written with:
 *
 *   (func (export "accumulate")
 *     (param $starts i32) (param $members i32) (param $values i32) (param $rows i32) (param $out i32)
 *     (param $size i32) (param $stride i32)
 *     (local $cell i32) (local $i i32) (local $end i32) (local $at i32)
 *     (local $value v128) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
 *     (loop
 *       a = b = c = d = 0;  end = starts[cell + 1]
 *       (loop                                                 ;; while i < end
 *         at = rows + members[i] * 64;  value = splat(values[i])
 *         a += load(at) * value;  b += load(at + 16) * value;  c += load(at + 32) * value;  d += load(at + 48) * value
 *         i += 1)
 *       at = out + cell * 8
 *       store a, b, c, d, lane by lane, at at, at + stride, at + 2 stride, ...
 *       cell += 1))                                           ;; while cell < size
 */
const [STARTS, MEMBERS, VALUES, ROWS, OUT, SIZE, STRIDE, CELL, I, END_, AT, VALUE, A, B, C, D] = Array.from(
  { length: 16 },
  (_, local) => local,
) as [
  ...[number, number, number, number, number, number, number, number],
  ...[number, number, number, number, number, number, number, number],
];

/** Numbers that are added up together: eight are four vectors. */
export const LANES = 8;

const I32 = 0x7f;
const V128 = 0x7b;
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
/** Signed LEB128, for constants below 64. */
const constant = (value: number): number[] => [0x41, value];
const ADD = [0x6a];
const SHIFT_LEFT = [0x74];
const LESS = [0x49];
const END = [0x0b];
const loop = (...body: number[][]): number[] => [0x03, 0x40, ...body.flat(), ...END];
const when = (...body: number[][]): number[] => [0x04, 0x40, ...body.flat(), ...END];
const repeat = (...condition: number[][]): number[] => [...condition.flat(), 0x0d, 0];
const loadI32 = (offset = 0): number[] => [0x28, 2, offset];
const loadSplat64 = [0xfd, 0x0a, 3, 0];
const loadVector = (offset: number): number[] => [0xfd, 0x00, 3, offset];
const storeLane64 = (lane: number): number[] => [0xfd, 0x5b, 3, 0, lane];
const zeroVector = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
const addVectors = [0xfd, 0xf0, 0x01];
const multiplyVectors = [0xfd, 0xf2, 0x01];

const vectors = [A, B, C, D];
/** base + (index << shift) */
const element = (base: number, index: number, shift: number): number[] =>
  [get(base), get(index), constant(shift), SHIFT_LEFT, ADD].flat();
const increment = (local: number): number[] => [get(local), constant(1), ADD, set(local)].flat();
const less = (a: number, b: number): number[] => [get(a), get(b), LESS].flat();

const body = loop(
  ...vectors.map((vector) => [...zeroVector, ...set(vector)]),
  [...element(STARTS, CELL, 2), ...loadI32(4), ...set(END_)],
  less(I, END_),
  when(
    loop(
      [...get(ROWS), ...element(MEMBERS, I, 2), ...loadI32(), ...constant(6), ...SHIFT_LEFT, ...ADD, ...set(AT)],
      [...element(VALUES, I, 3), ...loadSplat64, ...set(VALUE)],
      ...vectors.map((vector, n) =>
        [get(vector), get(AT), loadVector(16 * n), get(VALUE), multiplyVectors, addVectors, set(vector)].flat(),
      ),
      increment(I),
      repeat(less(I, END_)),
    ),
  ),
  [...element(OUT, CELL, 3), ...set(AT)],
  ...vectors.flatMap((vector) =>
    [0, 1].map((lane) => [get(AT), get(vector), storeLane64(lane), get(AT), get(STRIDE), ADD, set(AT)].flat()),
  ),
  increment(CELL),
  repeat(less(CELL, SIZE)),
);

const locals = [2, 4, I32, 5, V128];
const code = [...locals, ...body, ...END];
const unsigned = (value: number): number[] => (value < 128 ? [value] : [(value % 128) | 128, ...unsigned(value >> 7)]);
const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];
const text = (value: string): number[] => [value.length, ...new TextEncoder().encode(value)];

const binary = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, 7, ...new Array<number>(7).fill(I32), 0]),
  ...section(2, [1, ...text("env"), ...text("memory"), 0x02, 0x00, 0]),
  ...section(3, [1, 0]),
  ...section(7, [1, ...text("accumulate"), 0x00, 0]),
  ...section(10, [1, ...unsigned(code.length), ...code]),
]);

/** What is added up to each of `size` sums: of sum s the rows `members[i]`, times `values[i]`, i in [starts[s], starts[s+1]). */
export interface Terms {
  readonly size: number;
  readonly starts: Int32Array;
  readonly members: Int32Array;
  readonly values: Float64Array;
}

/** What is used of the global of this name, which the compiler knows only as part of a browser. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

/** Bytes of memory are counted in these. */
const PAGE = 65_536;
/** Most of them: addresses have 32 bits. */
const MOST_PAGES = 65_536;

function allocate(purpose: string, bytes: number): { readonly buffer: ArrayBuffer } {
  const pages = Math.ceil(bytes / PAGE);
  const refuse = (most: string, cause?: unknown): CumaError =>
    new CumaError(
      `${purpose}: would take ${formatBytes(bytes)} of memory, and ${most}; expected 0 ${purpose}, or fewer rows, options or groups`,
      { cause },
    );
  if (pages > MOST_PAGES) throw refuse(`at most ${formatBytes(MOST_PAGES * PAGE)} can be used`);
  try {
    return new WebAssembly.Memory({ initial: pages });
  } catch (error) {
    throw refuse("so much is not there", error);
  }
}

let compiled: object | undefined;

/** Weighted sums of rows of LANES numbers. Everything that it works on stands in its own memory. */
export class Kernel {
  private readonly buffer: ArrayBuffer;
  private readonly run: (...args: number[]) => void;
  private nextFloat = 0;
  private nextInt: number;

  /**
   * Makes room for so many float64 and int32 numbers.
   * @param purpose What they are for, as the option that asks for it is called.
   * @throws CumaError where there is not so much memory.
   */
  constructor(purpose: string, { floats, ints }: { readonly floats: number; readonly ints: number }) {
    const memory = allocate(purpose, 8 * floats + 4 * ints);
    compiled ??= new WebAssembly.Module(binary);
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
    this.run = exports["accumulate"] as (...args: number[]) => void;
    this.buffer = memory.buffer;
    this.nextInt = 8 * floats;
  }

  /** Takes zeros from the room that is left. */
  floats(length: number): Float64Array {
    const taken = new Float64Array(this.buffer, this.nextFloat, length);
    this.nextFloat += taken.byteLength;
    return taken;
  }

  /** Takes zeros from the room that is left. */
  ints(length: number): Int32Array {
    const taken = new Int32Array(this.buffer, this.nextInt, length);
    this.nextInt += taken.byteLength;
    return taken;
  }

  /** A copy of terms in the room that is left: `values.length` floats and `starts.length + members.length` ints. */
  copy({ size, starts, members, values }: Terms): Terms {
    const copied = {
      size,
      starts: this.ints(size + 1),
      members: this.ints(members.length),
      values: this.floats(values.length),
    };
    copied.starts.set(starts);
    copied.members.set(members);
    copied.values.set(values);
    return copied;
  }

  /** sums[lane, s] = sum over the terms of s of value * rows[member, lane]; sums is [LANES, size], rows [.., LANES]. */
  accumulate({ size, starts, members, values }: Terms, rows: Float64Array, sums: Float64Array): void {
    const places = [starts, members, values, rows, sums].map(({ byteOffset }) => byteOffset);
    if (size > 0) this.run(...places, size, 8 * size);
  }
}
