import type { Shape } from "./dims.ts";
import type { Precision } from "./tensor.ts";

/** What an operation's lowering may do: append ONNX nodes and constants. Values are named by strings. */
export interface OnnxEmitter {
  readonly precision: Precision;
  /** Whether the engine has the operators of "com.microsoft", each of which does the work of several. */
  readonly fused: boolean;
  /** Appends a node and returns the name of its output. `domain` is "" or "com.microsoft". */
  node(type: string, inputs: readonly string[], attrs?: OnnxAttrs, domain?: string): string;
  /** The same for a node of two outputs. */
  pair(type: string, inputs: readonly string[], attrs?: OnnxAttrs, domain?: string): readonly [string, string];
  /** A float scalar constant of the graph's precision. */
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
