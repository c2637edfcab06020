import {
  evaluate,
  showShape,
  type Bindings,
  type Feeds,
  type HostTensor,
  type Program,
  type Value,
} from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";

/** The feed of every input of a program, and the sizes its symbols have in this run. */
export interface CheckedFeeds {
  readonly feeds: ReadonlyMap<string, HostTensor>;
  readonly bindings: Bindings;
}

/** @throws ShapeError where a feed is missing or has another type or shape than the program declares. */
export function checkFeeds(program: Program, feeds: Feeds): CheckedFeeds {
  const found = new Map<string, HostTensor>();
  const bindings = new Map<string, number>();
  const sources = new Map<string, string>();
  for (const [name, value] of program.inputs) {
    const feed = feeds[name];
    if (!feed) throw new ShapeError(`feed "${name}" is missing; expected ${describe(value)}`);
    const isInt = feed.data instanceof Int32Array;
    if (isInt !== (value.dtype === "int") || feed.shape.length !== value.shape.length) {
      throw new ShapeError(
        `feed "${name}": expected ${describe(value)}, got ${isInt ? "int" : "float"} ${showShape(feed.shape)}`,
      );
    }
    for (const [axis, size] of feed.shape.entries()) {
      const dim = value.shape[axis];
      if (typeof dim !== "string" || bindings.has(dim)) continue;
      bindings.set(dim, size);
      sources.set(dim, name);
    }
    found.set(name, feed);
  }
  for (const [name, value] of program.inputs) {
    const shape = found.get(name)!.shape;
    for (const [axis, dim] of value.shape.entries()) {
      const expected = evaluate(dim, bindings);
      if (expected !== shape[axis]) {
        const source =
          typeof dim === "string" && sources.get(dim) !== name
            ? ` (${dim} = ${expected} by feed "${sources.get(dim)!}")`
            : "";
        throw new ShapeError(`feed "${name}": expected ${describe(value)}${source}, got ${showShape(shape)}`);
      }
    }
  }
  return { feeds: found, bindings };
}

function describe({ dtype, shape }: Value): string {
  return `${dtype} ${showShape(shape)}`;
}
