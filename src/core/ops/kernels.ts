/** What reference kernels share. */
import { sameShape, sizeOf, type HostTensor } from "../graph/index.ts";
import { at, reducedShape, type ReduceAttrs } from "./shapes.ts";

/** Zeros. */
export function float64s(shape: readonly number[]): HostTensor & { data: Float64Array } {
  return { shape, data: new Float64Array(sizeOf(shape)) };
}

/**
 * Element i of a tensor. @throws RangeError where there is none: an index that was fed is too large.
 * It is `at` once more, so that it is compiled for typed arrays alone: several times as fast.
 */
export function element(data: HostTensor["data"], i: number): number {
  const found = data[i];
  if (found === undefined) throw new RangeError(`expected an index below ${data.length}, got ${i}`);
  return found;
}

/** The elements at `places`, counted from `start`. */
export function elements(data: HostTensor["data"], places: Float64Array, start = 0): Float64Array {
  const found = new Float64Array(places.length);
  for (let i = 0; i < found.length; i++) found[i] = element(data, start + element(places, i));
  return found;
}

/** Adds to one element. */
export function addTo(data: Float64Array, i: number, x: number): void {
  data[i] = element(data, i) + x;
}

/** Row-major strides; an axis of size 1 gets stride 0 so that it broadcasts. */
export function broadcastStrides(shape: readonly number[], rank: number): number[] {
  const strides = new Array<number>(rank).fill(0);
  let stride = 1;
  for (const [i, size] of shape.toReversed().entries()) {
    strides[rank - 1 - i] = size === 1 ? 0 : stride;
    stride *= size;
  }
  return strides;
}

/** Where the elements of `shape`, in row-major order, stand in memory that has these strides. */
export function offsets(shape: readonly number[], strides: readonly number[]): Float64Array {
  let found = Float64Array.of(0);
  for (const [axis, size] of shape.entries()) {
    const stride = at(strides, axis);
    const next = new Float64Array(found.length * size);
    let i = 0;
    for (const start of found) for (let k = 0; k < size; k++) next[i++] = start + k * stride;
    found = next;
  }
  return found;
}

/** The elements of x, repeated to `shape` by broadcasting. */
export function broadcast(x: HostTensor, shape: readonly number[]): Float64Array {
  if (sameShape(x.shape, shape)) return new Float64Array(x.data);
  return elements(x.data, offsets(shape, broadcastStrides(x.shape, shape.length)));
}

/** Reduces the axes by `f`, in row-major order, starting from `start`. */
export function reduce(
  x: HostTensor,
  attrs: ReduceAttrs,
  f: (reduced: number, x: number) => number,
  start: number,
): HostTensor {
  const kept = reducedShape(x.shape, { ...attrs, keepdims: true });
  const { data } = float64s(kept);
  data.fill(start);
  const places = offsets(x.shape, broadcastStrides(kept, kept.length));
  for (let i = 0; i < places.length; i++) {
    const to = element(places, i);
    data[to] = f(element(data, to), element(x.data, i));
  }
  return { shape: reducedShape(x.shape, attrs), data };
}

/** Visits the rows of the last axis: the elements from `start` to before `end`. */
export function eachRow({ shape, data }: HostTensor, visit: (start: number, end: number) => void): void {
  const width = shape.at(-1) ?? 1;
  for (let start = 0; start < data.length; start += width) visit(start, start + width);
}
