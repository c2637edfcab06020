import type { Graph, OnnxEmitter, Op, Value } from "../graph/index.ts";
import { constant } from "./constant.ts";
import { broadcast, element, float64s } from "./kernels.ts";
import { sumTo } from "./reduceSum.ts";
import { broadcastShapes, expectFloat } from "./shapes.ts";

/** A value, or a number standing for a scalar constant. */
export type Operand = Value | number;

interface Unary {
  name: string;
  /** The ONNX operator, or the nodes that do the same. */
  onnx: string | ((x: string, e: OnnxEmitter) => string);
  f: (x: number) => number;
  /** Gradient with respect to the input, given the node's input x, output y and the output's gradient dy. */
  vjp: (x: Value, y: Value, dy: Value) => Value | undefined;
}

/** An operation on each element. */
export function unary({ name, onnx, f, vjp }: Unary): Op<[x: Value]> {
  return {
    name,
    cheap: true,
    infer: ([x]) => {
      expectFloat(name, x);
      return [{ dtype: "float", shape: x.shape }];
    },
    vjp: ({ inputs: [x], outputs: [y] }, [dy]) => [vjp(x, y, dy)],
    onnx: ([x], _node, e) => [typeof onnx === "string" ? e.node(onnx, [x]) : onnx(x, e)],
    reference: ([x]) => [{ shape: x.shape, data: Float64Array.from(x.data, f) }],
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
export function binary({ name, onnx, f, vjp }: Binary): Op<[a: Value, b: Value]> {
  return {
    name,
    cheap: true,
    infer: ([a, b]) => {
      expectFloat(name, a, b);
      return [{ dtype: "float", shape: broadcastShapes(name, a.shape, b.shape) }];
    },
    vjp: ({ inputs: [a, b] }, [dy]) => {
      const [da, db] = vjp(a, b, dy);
      return [sumTo(da, a.shape), sumTo(db, b.shape)];
    },
    onnx: (inputs, _node, e) => [e.node(onnx, inputs)],
    reference: ([a, b]) => {
      const shape = broadcastShapes(name, a.shape, b.shape);
      const [left, right] = [broadcast(a, shape), broadcast(b, shape)];
      const out = float64s(shape);
      for (let i = 0; i < out.data.length; i++) out.data[i] = f(element(left, i), element(right, i));
      return [out];
    },
  };
}

/** Applies a unary operation. */
export function apply1(op: Op<[x: Value]>, x: Value): Value {
  return x.graph.apply(op, [x], {})[0];
}

/** Applies a binary operation; a number is a scalar constant. */
export function apply2(op: Op<[a: Value, b: Value]>, a: Operand, b: Operand): Value {
  const graph = graphOf(a, b);
  return graph.apply(op, [toValue(graph, a), toValue(graph, b)], {})[0];
}

function graphOf(...operands: readonly Operand[]): Graph {
  for (const x of operands) if (typeof x !== "number") return x.graph;
  throw new Error("an operation needs at least one Value");
}

function toValue(graph: Graph, x: Operand): Value {
  return typeof x === "number" ? constant(graph, x) : x;
}
