import { ShapeError } from "../util/index.ts";
import { showShape, type Dim, type Shape } from "./dims.ts";
import type { OnnxEmitter } from "./emitter.ts";
import type { DType, HostTensor, TensorType } from "./tensor.ts";

/** Attributes of a node. They are part of its identity, so they must be plain data. */
export type Attrs = Readonly<Record<string, number | string | boolean | readonly number[] | Shape>>;
export type NoAttrs = Record<string, never>;

/** A `T` for each operand, or each result, of an operation. */
export type Each<Values extends readonly unknown[], T> = { readonly [K in keyof Values]: T };

/**
 * Gradients of a scalar loss with respect to the results of an operation. A rule is asked only where the loss depends on one
 * of them; of several, those that it does not depend on are undefined.
 */
export type Gradients<O extends readonly Value[]> = O extends readonly [Value]
  ? readonly [Value]
  : Each<O, Value | undefined>;

/**
 * An operation: everything the machine knows about it stands in one file of `ops/`.
 *
 * Its operands and results are tuples, so that a rule gets as many as there are: `Op<[x: Value, index: Value]>`.
 */
export interface Op<
  I extends readonly Value[] = readonly Value[],
  A extends Attrs = NoAttrs,
  O extends readonly Value[] = [y: Value],
> {
  readonly name: string;
  /** @throws ShapeError naming the operation, what was expected and what was given. */
  infer(inputs: Each<I, TensorType>, attrs: A): Each<O, TensorType>;
  /** The gradient of the loss with respect to each operand; undefined where there is none. */
  vjp(node: Node<I, A, O>, grads: Gradients<O>): Each<I, Value | undefined>;
  onnx(inputs: Each<I, string>, node: Node<I, A, O>, e: OnnxEmitter): Each<O, string>;
  /** Exact float64 kernel: floats arrive and leave as Float64Array. */
  reference(inputs: Each<I, HostTensor>, attrs: A, context: KernelContext): Each<O, HostTensor>;
  /** Cheap to compute again from its inputs, so not worth keeping for the backward pass. */
  readonly cheap?: boolean;
}

/** An operation of whatever operands. */
export type AnyOp = Op<readonly Value[], Attrs, readonly Value[]>;

/** What a reference kernel is told about the run. */
export interface KernelContext {
  /** Size of a dimension in this run. */
  readonly size: (dim: Dim) => number;
}

/** One operation applied once. */
export interface Node<
  I extends readonly Value[] = readonly Value[],
  A extends Attrs = Attrs,
  O extends readonly Value[] = readonly Value[],
> {
  /** Nodes come after those that they depend on. */
  readonly id: number;
  readonly op: Op<I, A, O>;
  readonly inputs: I;
  readonly attrs: A;
  readonly outputs: O;
}

/** A tensor in a graph: an input, or an output of a node. */
export class Value implements TensorType {
  readonly graph: Graph;
  readonly id: number;
  readonly dtype: DType;
  readonly shape: Shape;
  /** The node that computes it; undefined for an input. */
  readonly node: Node | undefined;
  /** Name of an input. */
  readonly name: string | undefined;

  /** @internal Values are made by `Graph`. */
  constructor(graph: Graph, id: number, type: TensorType, node: Node | undefined, name?: string) {
    this.graph = graph;
    this.id = id;
    this.dtype = type.dtype;
    this.shape = type.shape;
    this.node = node;
    this.name = name;
  }
}

/**
 * A static tensor program. Nodes are appended in topological order and never changed; applying the same operation to
 * the same inputs twice gives the same value (common subexpressions are shared as they are built).
 */
export class Graph {
  readonly inputs = new Map<string, Value>();
  private readonly known = new Map<string, readonly Value[]>();
  private nextId = 0;

  /** Declares an input. Asking again for the same name and type gives the same value. */
  input(name: string, dtype: DType, shape: Shape): Value {
    const existing = this.inputs.get(name);
    if (existing) {
      if (existing.dtype !== dtype || showShape(existing.shape) !== showShape(shape)) {
        throw new ShapeError(
          `graph input "${name}" is declared twice: ${existing.dtype} ${showShape(existing.shape)} and ${dtype} ${showShape(shape)}`,
        );
      }
      return existing;
    }
    const value = new Value(this, this.nextId++, { dtype, shape }, undefined, name);
    this.inputs.set(name, value);
    return value;
  }

  /** Applies an operation. @throws ShapeError from the operation's shape inference. */
  apply<const I extends readonly Value[], A extends Attrs, O extends readonly Value[]>(
    op: Op<I, A, O>,
    inputs: NoInfer<I>,
    attrs: NoInfer<A>,
  ): O;
  apply(op: AnyOp, inputs: readonly Value[], attrs: Attrs): readonly Value[] {
    const key = `${op.name}(${inputs.map((v) => v.id).join(",")})${JSON.stringify(attrs)}`;
    const existing = this.known.get(key);
    if (existing) return existing;
    for (const input of inputs) {
      if (input.graph !== this) throw new Error(`${op.name}: an input belongs to another graph`);
    }
    const outputs: Value[] = [];
    const node: Node = { id: this.nextId, op, inputs, attrs, outputs };
    for (const type of op.infer(inputs, attrs)) {
      outputs.push(new Value(this, this.nextId++, type, node));
    }
    this.known.set(key, outputs);
    return outputs;
  }
}

/** The nodes that `values` depend on, in topological order. `stop` values are taken as given. */
export function nodesFor(values: Iterable<Value>, stop: ReadonlySet<Value> = new Set()): Node[] {
  const found = new Set<Node>();
  const stack = [...values];
  for (let value = stack.pop(); value; value = stack.pop()) {
    if (!value.node || stop.has(value) || found.has(value.node)) continue;
    found.add(value.node);
    stack.push(...value.node.inputs);
  }
  return [...found].sort((a, b) => a.id - b.id);
}
