import { ShapeError } from "../util/index.ts";
import { showShape, type Shape } from "./dims.ts";
import type { Attrs, DType, Node, Op, TensorType } from "./op.ts";

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
  apply<A extends Attrs>(op: Op<A>, inputs: readonly Value[], attrs: A): readonly Value[] {
    const key = `${op.name}(${inputs.map((v) => v.id).join(",")})${JSON.stringify(attrs)}`;
    const existing = this.known.get(key);
    if (existing) return existing;
    for (const input of inputs) {
      if (input.graph !== this) throw new Error(`${op.name}: an input belongs to another graph`);
    }
    const outputs: Value[] = [];
    const node: Node<A> = { op, inputs, attrs, outputs };
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
  return [...found].sort((a, b) => a.outputs[0]!.id - b.outputs[0]!.id);
}
