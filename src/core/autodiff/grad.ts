import { nodesFor, sameShape, showShape, type Value } from "../graph/index.ts";
import { add, constant, expand } from "../ops/index.ts";
import { ShapeError } from "../util/index.ts";

/** A value whose gradient is known (or chosen): the seed of a backward pass. */
export interface Seed {
  readonly value: Value;
  /** Gradient of the loss with respect to it, of the same shape; by default ones, so that a scalar is the loss itself. */
  readonly gradient?: Value;
}

/**
 * Reverse-mode differentiation: appends to the graph the gradient of the seeds with respect to each of `wrt`.
 *
 * Only nodes between `wrt` and the seeds are differentiated. A `wrt` value on which no seed depends gets zeros.
 */
export function grad(seeds: readonly Seed[], wrt: readonly Value[]): Value[] {
  const gradients = new Map<Value, Value>();
  const accumulate = (value: Value, gradient: Value): void => {
    if (!sameShape(value.shape, gradient.shape)) {
      throw new ShapeError(
        `gradient of shape ${showShape(gradient.shape)} for a value of shape ${showShape(value.shape)}`,
      );
    }
    const sum = gradients.get(value);
    gradients.set(value, sum ? add(sum, gradient) : gradient);
  };

  const nodes = nodesFor(seeds.map((seed) => seed.value));
  const active = new Set<Value>(wrt);
  for (const node of nodes) {
    if (node.inputs.some((input) => active.has(input))) for (const output of node.outputs) active.add(output);
  }
  for (const { value, gradient } of seeds) {
    if (active.has(value)) accumulate(value, gradient ?? expand(constant(value.graph, 1), value.shape));
  }
  for (const node of nodes.reverse()) {
    const outputs = node.outputs.map((output) => gradients.get(output));
    if (outputs.every((gradient) => gradient === undefined)) continue;
    const inputs = node.op.vjp(node, outputs);
    for (const [i, input] of node.inputs.entries()) {
      const gradient = inputs[i];
      if (gradient && active.has(input)) accumulate(input, gradient);
    }
  }
  return wrt.map((value) => gradients.get(value) ?? expand(constant(value.graph, 0), value.shape));
}
