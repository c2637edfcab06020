import { Callable, equal, Namespace, Tuple, type Value } from "./values.ts";

/** Names and their values; a name that is not here may be in the scope around. */
export class Scope {
  private readonly values = new Map<string, Value>();
  private readonly outer: Scope | null;

  constructor(outer: Scope | null) {
    this.outer = outer;
  }

  get(name: string): Value {
    return this.values.has(name) ? this.values.get(name) : this.outer?.get(name);
  }

  set(name: string, value: Value): void {
    this.values.set(name, value);
  }
}

/** How a loop's round ends early; what it has written until then stands. */
export class LoopExit extends Error {
  readonly kind: "Break" | "Continue";

  constructor(kind: "Break" | "Continue") {
    super(`"${kind.toLowerCase()}" outside of a loop`);
    this.kind = kind;
  }
}

/** The `loop` of each round over items. */
export function loopStates(items: readonly Value[]): (round: number) => Namespace {
  let last: Tuple | undefined;
  const changed = new Callable(({ positional }) => {
    const before = last;
    last = new Tuple(positional);
    return before === undefined || !equal(before, last);
  });
  return (i) =>
    new Namespace(
      new Map<string, Value>([
        ["index", i + 1],
        ["index0", i],
        ["revindex", items.length - i],
        ["revindex0", items.length - i - 1],
        ["first", i === 0],
        ["last", i === items.length - 1],
        ["length", items.length],
        ["depth", 1],
        ["depth0", 0],
        ["previtem", items[i - 1]],
        ["nextitem", items[i + 1]],
        ["cycle", new Callable(({ positional }) => positional[i % positional.length])],
        ["changed", changed],
      ]),
    );
}
