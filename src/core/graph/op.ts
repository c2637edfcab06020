import type { Dim, Shape } from "./dims.ts";
import type { HostTensor } from "./tensor.ts";
import type { Value } from "./graph.ts";

/** "float" is float32 or float64, as the engine computes; "int" is int32. */
export type DType = "float" | "int";

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Attributes of a node. They are part of its identity, so they must be plain data. */
export type Attrs = Readonly<Record<string, number | string | boolean | readonly number[] | Shape>>;

/** One operation applied once. */
export interface Node<A extends Attrs = Attrs> {
  readonly op: Op<A>;
  readonly inputs: readonly Value[];
  readonly attrs: A;
  readonly outputs: readonly Value[];
}

export type Precision = "float32" | "float64";

/** What an operation's lowering may do: append ONNX nodes and constants. Values are named by strings. */
export interface OnnxEmitter {
  readonly precision: Precision;
  /** Appends a node and returns the names of its outputs. `domain` is "" or "com.microsoft". */
  node(
    type: string,
    inputs: readonly string[],
    attrs?: OnnxAttrs,
    options?: { domain?: string; outputs?: number },
  ): string[];
  /** A float constant of the graph's precision (a scalar unless a shape is given). */
  float(value: number): string;
  /** An int32 scalar constant. */
  int(value: number): string;
  /** A one-dimensional int64 constant. */
  int64s(values: readonly number[]): string;
  /** The one-dimensional int64 tensor holding these sizes at run time. */
  shape(shape: Shape): string;
  /** ONNX element type of floats. */
  readonly floatType: number;
}

export type OnnxAttrs = Readonly<
  Record<string, { int: number } | { float: number } | { text: string } | { ints: readonly number[] }>
>;

/** What a reference kernel is told about the run. */
export interface KernelContext {
  /** Size of a dimension in this run. */
  readonly size: (dim: Dim) => number;
}

/**
 * An operation: everything the machine knows about it stands in one file of `ops/`.
 *
 * `vjp` gets the gradient of a scalar loss with respect to each output (undefined where the loss does not depend on it)
 * and returns the gradient with respect to each input (undefined where there is none).
 */
export interface Op<A extends Attrs = Attrs> {
  readonly name: string;
  /** @throws ShapeError naming the operation, what was expected and what was given. */
  infer(inputs: readonly TensorType[], attrs: A): readonly TensorType[];
  vjp(node: Node<A>, grads: readonly (Value | undefined)[]): readonly (Value | undefined)[];
  onnx(inputs: readonly string[], node: Node<A>, e: OnnxEmitter): readonly string[];
  /** Exact float64 kernel: floats arrive and leave as Float64Array. */
  reference(inputs: readonly HostTensor[], attrs: A, context: KernelContext): readonly HostTensor[];
  /** Cheap to compute again from its inputs, so not worth keeping for the backward pass. */
  readonly cheap?: boolean;
}
