import type { Shape } from "./dims.ts";

export type Precision = "float32" | "float64";

/** "float" is float32 or float64, as the engine computes; "int" is int32. */
export type DType = "float" | "int";

/** What is known of a tensor before anything runs. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Numbers in host memory, row-major. Floats are float32 or, in exact computations, float64; integers are int32. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array;
}

/** Named tensors going into or coming out of a graph. */
export type Feeds = Readonly<Record<string, HostTensor>>;

/** Floating-point numbers of either precision. */
export type Floats = Float32Array | Float64Array;

/** Zeros of a precision. */
export function floats(precision: Precision, length: number): Floats {
  return precision === "float32" ? new Float32Array(length) : new Float64Array(length);
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dim) => size * dim, 1);
}

/** A float32 tensor; without data, zeros. */
export function tensor(
  shape: readonly number[],
  data?: Float32Array | readonly number[],
): HostTensor & { data: Float32Array } {
  const values =
    data === undefined
      ? new Float32Array(sizeOf(shape))
      : data instanceof Float32Array
        ? data
        : Float32Array.from(data);
  if (values.length !== sizeOf(shape)) {
    throw new RangeError(
      `tensor: expected ${sizeOf(shape)} values for shape [${shape.join(", ")}], got ${values.length}`,
    );
  }
  return { shape, data: values };
}

/** An int32 tensor. */
export function intTensor(
  shape: readonly number[],
  data: Int32Array | readonly number[],
): HostTensor & { data: Int32Array } {
  return { shape, data: data instanceof Int32Array ? data : Int32Array.from(data) };
}
