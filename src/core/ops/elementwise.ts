import type { Node, Op, Value } from "../graph/index.ts";
import {
  broadcastShapes,
  broadcastStrides,
  expectFloat,
  float64s,
  graphOf,
  sumTo,
  toValue,
  walk,
  type Operand,
} from "./helpers.ts";

type NoAttrs = Record<string, never>;

interface Unary {
  name: string;
  onnx: string;
  f: (x: number) => number;
  /** Gradient with respect to the input, given the node's input x, output y and the output's gradient dy. */
  vjp: (x: Value, y: Value, dy: Value) => Value | undefined;
}

/** An operation on each element. */
export function unary({ name, onnx, f, vjp }: Unary): Op<NoAttrs> {
  return {
    name,
    cheap: true,
    infer: ([x]) => {
      expectFloat(name, x!);
      return [{ dtype: "float", shape: x!.shape }];
    },
    vjp: ({ inputs: [x], outputs: [y] }: Node<NoAttrs>, [dy]) => [vjp(x!, y!, dy!)],
    onnx: (inputs, _node, e) => e.node(onnx, inputs),
    reference: ([x]) => [{ shape: x!.shape, data: Float64Array.from(x!.data, f) }],
  };
}

interface Binary {
  name: string;
  onnx: string;
  f: (a: number, b: number) => number;
  /** Gradients before broadcasting is undone. */
  vjp: (a: Value, b: Value, dy: Value) => [Value, Value];
}

/** An operation on pairs of elements, with NumPy broadcasting. */
export function binary({ name, onnx, f, vjp }: Binary): Op<NoAttrs> {
  return {
    name,
    cheap: true,
    infer: ([a, b]) => {
      expectFloat(name, a!, b!);
      return [{ dtype: "float", shape: broadcastShapes(name, a!.shape, b!.shape) }];
    },
    vjp: ({ inputs: [a, b] }: Node<NoAttrs>, [dy]) => {
      const [da, db] = vjp(a!, b!, dy!);
      return [sumTo(da, a!.shape), sumTo(db, b!.shape)];
    },
    onnx: (inputs, _node, e) => e.node(onnx, inputs),
    reference: ([a, b]) => {
      const shape = broadcastShapes(name, a!.shape, b!.shape) as number[];
      const out = float64s(shape);
      const strides = [a!, b!].map((x) => broadcastStrides(x.shape, shape.length));
      walk(shape, strides, ([i, j], k) => (out.data[k] = f(a!.data[i!]!, b!.data[j!]!)));
      return [out];
    },
  };
}

/** Applies a unary operation. */
export function apply1(op: Op<NoAttrs>, x: Value): Value {
  return x.graph.apply(op, [x], {})[0]!;
}

/** Applies a binary operation; a number is a scalar constant. */
export function apply2(op: Op<NoAttrs>, a: Operand, b: Operand): Value {
  const graph = graphOf(a, b);
  return graph.apply(op, [toValue(graph, a), toValue(graph, b)], {})[0]!;
}
