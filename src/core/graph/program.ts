import { nodesFor, type Node, type Value } from "./graph.ts";

/** A runnable part of a graph: what goes in, what comes out, and the nodes between, in order. */
export interface Program {
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: ReadonlyMap<string, Value>;
  readonly nodes: readonly Node[];
}

/**
 * The program that computes `outputs`. Values in `given` are not computed but fed under their name; graph inputs that
 * nothing depends on are left out.
 */
export function program(
  outputs: Readonly<Record<string, Value>>,
  given: Readonly<Record<string, Value>> = {},
): Program {
  const fed = new Map(Object.entries(given).map(([name, value]) => [value, name]));
  const nodes = nodesFor(Object.values(outputs), new Set(fed.keys()));
  const inputs = new Map<string, Value>();
  for (const value of [...nodes.flatMap((node) => node.inputs), ...Object.values(outputs)]) {
    const name = fed.get(value) ?? value.name;
    if (name !== undefined) inputs.set(name, value);
  }
  return { inputs, outputs: new Map(Object.entries(outputs)), nodes };
}
