import { nodesFor, type Node, type Value } from "../graph/index.ts";

/**
 * What a forward pass must keep for a backward pass of the same graph when the two run apart.
 *
 * A value that a `cheap` operation gives is computed again in the backward pass from its inputs; every other value the
 * backward pass takes from the forward pass is kept. Graph inputs are fed to both and are not listed.
 */
export function residuals(forwardOutputs: readonly Value[], backwardOutputs: readonly Value[]): Value[] {
  const computed = new Set(nodesFor(forwardOutputs).flatMap((node) => node.outputs));
  const kept = new Set<Value>();
  const visited = new Set<Node>();
  const stack = [...backwardOutputs];
  for (let value = stack.pop(); value; value = stack.pop()) {
    const { node } = value;
    if (!node || kept.has(value) || visited.has(node)) continue;
    if (computed.has(value) && !node.op.cheap) {
      kept.add(value);
      continue;
    }
    visited.add(node);
    stack.push(...node.inputs);
  }
  return [...kept].sort((a, b) => a.id - b.id);
}
