import type { Feeds, HostTensor, Value } from "../graph/index.ts";
import { observedOf, type NamedLoss, type Observed } from "../decoder/index.ts";

/** What an adapter gave in a step beside the gradients. */
export interface AdapterResults {
  /** Its losses before their factors, in the order of the layers. */
  readonly losses: readonly { readonly name: string; readonly value: number }[];
  readonly observed: Observed;
}

/** Adds an adapter's losses and observed values to the outputs of a program, and finds them there again. */
export class AdapterOutputs {
  /** For the program. */
  readonly values: Readonly<Record<string, Value>>;
  private readonly losses: readonly string[];
  private readonly names: Readonly<Record<"rows" | "batch", readonly string[]>>;

  constructor(losses: readonly NamedLoss[], observed: Readonly<Record<string, Value>>) {
    this.losses = losses.map(({ name }) => name);
    const namesOf = (of: "rows" | "batch"): string[] =>
      Object.keys(observed).filter((name) => observedOf(observed[name]!) === of);
    this.names = { rows: namesOf("rows"), batch: namesOf("batch") };
    this.values = {
      ...Object.fromEntries(losses.map(({ value }, i) => [lossOutput(i), value])),
      ...Object.fromEntries(
        [...this.names.rows, ...this.names.batch].map((name) => [observedOutput(name), observed[name]!]),
      ),
    };
  }

  /** @param prefix Put before the names of observed values. */
  read(outputs: Feeds, prefix: string): AdapterResults {
    const feeds = (names: readonly string[]): Feeds =>
      Object.fromEntries(names.map((name) => [prefix + name, outputs[observedOutput(name)]!]));
    return {
      losses: this.losses.map((name, i) => ({ name, value: outputs[lossOutput(i)]!.data[0]! })),
      observed: { rows: feeds(this.names.rows), batch: feeds(this.names.batch) },
    };
  }
}

function lossOutput(index: number): string {
  return `adapterLoss.${index}`;
}

function observedOutput(name: string): string {
  return `observed.${name}`;
}

/** The results of several layers. */
export function joinLayers(layers: readonly AdapterResults[]): AdapterResults {
  const join = (of: "rows" | "batch"): Feeds =>
    Object.assign({}, ...layers.map(({ observed }) => observed[of])) as Feeds;
  return { losses: layers.flatMap(({ losses }) => losses), observed: { rows: join("rows"), batch: join("batch") } };
}

/** The results of a step: of its micro-batches rows one behind the other, everything else averaged. @param tokens Of each. */
export function mergeBatches(parts: readonly AdapterResults[], tokens: readonly number[]): AdapterResults {
  const first = parts[0]!;
  if (parts.length === 1) return first;
  const total = tokens.reduce((a, b) => a + b, 0);
  const average = (values: readonly number[]): number =>
    values.reduce((sum, x, i) => sum + (x * tokens[i]!) / total, 0);
  const merge = (of: "rows" | "batch", join: (tensors: readonly HostTensor[]) => HostTensor): Feeds =>
    Object.fromEntries(
      Object.keys(first.observed[of]).map((name) => [name, join(parts.map(({ observed }) => observed[of][name]!))]),
    );
  return {
    losses: first.losses.map(({ name }, i) => ({ name, value: average(parts.map(({ losses }) => losses[i]!.value)) })),
    observed: {
      rows: merge("rows", (tensors) => ({
        shape: tensors[0]!.shape.with(
          0,
          tensors.reduce((sum, { shape }) => sum + shape[0]!, 0),
        ),
        data: Float64Array.from(tensors.flatMap(({ data }) => Array.from(data))),
      })),
      batch: merge("batch", (tensors) => ({
        shape: tensors[0]!.shape,
        data: Float64Array.from(tensors[0]!.data, (_, i) => average(tensors.map(({ data }) => data[i]!))),
      })),
    },
  };
}
