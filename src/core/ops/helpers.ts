import { ShapeError } from "../util/index.ts";
import {
  sizeOf,
  showShape,
  type Dim,
  type Graph,
  type HostTensor,
  type Shape,
  type TensorType,
  type Value,
} from "../graph/index.ts";
import { constant } from "./constant.ts";
import { reduceSum } from "./reduceSum.ts";
import { reshape } from "./reshape.ts";

/** A value, or a number standing for a scalar constant. */
export type Operand = Value | number;

export function toValue(graph: Graph, x: Operand): Value {
  return typeof x === "number" ? constant(graph, x) : x;
}

/** The graph that at least one of the operands belongs to. */
export function graphOf(...operands: readonly Operand[]): Graph {
  for (const x of operands) if (typeof x !== "number") return x.graph;
  throw new Error("an operation needs at least one Value");
}

/** NumPy broadcasting of symbolic shapes. @throws ShapeError */
export function broadcastShapes(op: string, a: Shape, b: Shape): Dim[] {
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

/** Undoes broadcasting: sums `value` over the axes along which `shape` was repeated. */
export function sumTo(value: Value, shape: Shape): Value {
  const lead = value.shape.length - shape.length;
  const axes = value.shape.flatMap((dim, i) => (i < lead || (shape[i - lead] === 1 && dim !== 1) ? [i] : []));
  if (axes.length === 0) return value;
  return reshape(reduceSum(value, axes, true), shape);
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

export function expectRank(op: string, input: TensorType, rank: number): void {
  if (input.shape.length !== rank) {
    throw new ShapeError(`${op}: expected a rank-${rank} tensor, got ${showShape(input.shape)}`);
  }
}

/** The last dimension as a number. @throws ShapeError where it is symbolic */
export function lastKnown(op: string, shape: Shape): number {
  const last = shape.at(-1);
  if (typeof last !== "number") throw new ShapeError(`${op}: expected a known last dimension, got ${showShape(shape)}`);
  return last;
}

// Reference kernels

export function float64s(shape: readonly number[]): HostTensor & { data: Float64Array } {
  return { shape, data: new Float64Array(sizeOf(shape)) };
}

/** Row-major strides; an axis of size 1 gets stride 0 so that it broadcasts. */
export function broadcastStrides(shape: readonly number[], rank: number): number[] {
  const strides = new Array<number>(rank).fill(0);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[rank - shape.length + i] = shape[i] === 1 ? 0 : stride;
    stride *= shape[i]!;
  }
  return strides;
}

/** Calls `visit(offsets)` for every element of `shape` in row-major order, with one offset for each stride list. */
export function walk(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (offsets: readonly number[], i: number) => void,
): void {
  const index = new Array<number>(shape.length).fill(0);
  const offsets = new Array<number>(strides.length).fill(0);
  const size = sizeOf(shape);
  for (let i = 0; i < size; i++) {
    visit(offsets, i);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      for (let s = 0; s < strides.length; s++) offsets[s]! += strides[s]![axis]!;
      if (index[axis]! < shape[axis]!) break;
      for (let s = 0; s < strides.length; s++) offsets[s]! -= strides[s]![axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

/** Views a tensor as rows over its last axis: calls `visit` with the start of each row. */
export function rows(shape: readonly number[], visit: (start: number, width: number) => void): void {
  const width = shape.at(-1)!;
  const size = sizeOf(shape);
  for (let start = 0; start < size; start += width) visit(start, width);
}
