import { evaluate, type Dim, type Feeds, type HostTensor, type Program, type Value } from "../graph/index.ts";
import { checkFeeds } from "./feeds.ts";
import { merged, type Engine, type Executable } from "./engine.ts";

/** Plain loops in float64: slow and exact, for tests and for checking other engines. */
export const referenceEngine: Engine = {
  name: "reference",
  setup: "reference",
  precision: "float64",
  compile: (program) => Promise.resolve(new ReferenceExecutable(program)),
};

class ReferenceExecutable implements Executable {
  private readonly program: Program;

  constructor(program: Program) {
    this.program = program;
  }

  bind(resident: Feeds): Executable {
    return merged(this, resident);
  }

  run(feeds: Feeds, into?: Feeds): Promise<Feeds> {
    return new Promise((resolve) => resolve(this.compute(feeds, into)));
  }

  private compute(feeds: Feeds, into: Feeds = {}): Feeds {
    const checked = checkFeeds(this.program, feeds);
    const size = (dim: Dim): number => {
      const value = evaluate(dim, checked.bindings);
      if (value === undefined) throw new Error(`dimension "${dim}" is not bound by any feed`);
      return value;
    };
    const values = new Map<Value, HostTensor>();
    for (const [name, value] of this.program.inputs) {
      const { shape, data } = checked.feeds.get(name)!;
      values.set(value, { shape, data: data instanceof Int32Array ? data : Float64Array.from(data) });
    }
    for (const node of this.program.nodes) {
      const inputs = node.inputs.map((input) => values.get(input)!);
      const outputs = node.op.reference(inputs, node.attrs, { size });
      for (const [i, output] of node.outputs.entries()) values.set(output, outputs[i]!);
    }
    const results: Record<string, HostTensor> = {};
    for (const [name, value] of this.program.outputs) {
      const result = values.get(value)!;
      const target = into[name];
      if (target) target.data.set(result.data);
      results[name] = target ?? result;
    }
    return results;
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
