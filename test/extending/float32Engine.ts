/**
 * An engine that is in no table, in one file: the reference kernels, each result rounded to float32, as hardware of that
 * precision would keep it. It shows how much of another engine's error is precision alone.
 */
import { checkFeeds } from "../../src/core/engine/feeds.ts";
import type { Engine, Executable } from "../../src/core/engine/index.ts";
import {
  evaluate,
  type Dim,
  type Feeds,
  type HostTensor,
  type Program,
  type Value,
} from "../../src/core/graph/index.ts";

export const float32Engine: Engine = {
  name: "rounded",
  setup: "rounded",
  precision: "float32",
  compile: (program) => Promise.resolve(new RoundedExecutable(program, {})),
};

class RoundedExecutable implements Executable {
  private readonly program: Program;
  private readonly resident: Feeds;

  constructor(program: Program, resident: Feeds) {
    this.program = program;
    this.resident = resident;
  }

  /** Tensors are rounded once, here; `rounded` gives back what is so already. */
  bind(resident: Feeds): Executable {
    const kept = Object.entries(resident).map(([name, tensor]) => [name, rounded(tensor)] as const);
    return new RoundedExecutable(this.program, { ...this.resident, ...Object.fromEntries(kept) });
  }

  async run(feeds: Feeds, into: Feeds = {}): Promise<Feeds> {
    const checked = checkFeeds(this.program, { ...this.resident, ...feeds });
    const values = new Map<Value, HostTensor>();
    for (const [name, value] of this.program.inputs) values.set(value, rounded(checked.feeds.get(name)!));
    const size = (dim: Dim): number => evaluate(dim, checked.bindings)!;
    for (const { op, inputs, attrs, outputs } of this.program.nodes) {
      const operands = inputs.map((input) => widened(values.get(input)!));
      const results = op.reference(operands, attrs, { size });
      for (const [i, output] of outputs.entries()) values.set(output, rounded(results[i]!));
    }
    const named = [...this.program.outputs].map(([name, value]) => {
      const result = values.get(value)!;
      into[name]?.data.set(result.data);
      return [name, into[name] ?? result] as const;
    });
    return Promise.resolve(Object.fromEntries(named));
  }

  async dispose(): Promise<void> {}
}

function rounded({ shape, data }: HostTensor): HostTensor {
  return { shape, data: data instanceof Float64Array ? Float32Array.from(data) : data };
}

/** As the kernels want floats. */
function widened({ shape, data }: HostTensor): HostTensor {
  return { shape, data: data instanceof Float32Array ? Float64Array.from(data) : data };
}
