/** What operations ask of shapes, and compute of them. */
import { showShape, type Dim, type Shape, type TensorType } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";

export interface ReduceAttrs extends Record<string, boolean | readonly number[]> {
  readonly axes: readonly number[];
  readonly keepdims: boolean;
}

interface Ranks<D> {
  readonly 1: readonly [D];
  readonly 2: readonly [D, D];
  readonly 3: readonly [D, D, D];
  readonly 4: readonly [D, D, D, D];
}

/** What stands at an index that there is. @throws RangeError for any other */
export function at<T>(list: ArrayLike<T>, i: number): T {
  const found = list[i];
  if (found === undefined) throw new RangeError(`expected an index below ${list.length}, got ${i}`);
  return found;
}

/** NumPy broadcasting. @throws ShapeError */
export function broadcastShapes<D extends Dim>(op: string, a: readonly D[], b: readonly D[]): (D | 1)[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(`${op}: expected shapes that broadcast, got ${showShape(a)} and ${showShape(b)}`);
    }
    return x === 1 ? y : x;
  });
}

/** Shape after reducing `axes`; reduced axes become 1 or go away. */
export function reducedShape<D extends Dim>(shape: readonly D[], { axes, keepdims }: ReduceAttrs): (D | 1)[] {
  return shape.flatMap((dim, i): (D | 1)[] => (axes.includes(i) ? (keepdims ? [1] : []) : [dim]));
}

/** A negative axis counted from the end. @throws ShapeError */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normal < 0 || normal >= rank) {
    throw new ShapeError(`${op}: expected an axis of a rank-${rank} tensor, got ${axis}`);
  }
  return normal;
}

export function expectFloat(op: string, ...inputs: readonly TensorType[]): void {
  for (const [i, input] of inputs.entries()) {
    if (input.dtype !== "float") throw new ShapeError(`${op}: expected input ${i} to be float, got ${input.dtype}`);
  }
}

export function expectInt(op: string, input: TensorType): void {
  if (input.dtype !== "int") throw new ShapeError(`${op}: expected int indices, got ${input.dtype}`);
}

/** The dimensions of a tensor that has so many. @throws ShapeError */
export function expectRank<const R extends keyof Ranks<Dim>, D extends Dim>(
  op: string,
  { shape }: { readonly shape: readonly D[] },
  rank: R,
): Ranks<D>[R] {
  if (shape.length !== rank) throw new ShapeError(`${op}: expected a rank-${rank} tensor, got ${showShape(shape)}`);
  return shape as Ranks<D>[R];
}

/** The last dimension as a number. @throws ShapeError where it is symbolic */
export function lastKnown(op: string, shape: Shape): number {
  const last = shape.at(-1);
  if (typeof last !== "number") throw new ShapeError(`${op}: expected a known last dimension, got ${showShape(shape)}`);
  return last;
}
