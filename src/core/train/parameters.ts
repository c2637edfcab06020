import { totalmem } from "node:os";
import { floats, sizeOf, type Feeds, type Floats, type HostTensor, type Precision } from "../graph/index.ts";
import type { ParameterSpec } from "../decoder/index.ts";
import { CumaError, formatBytes, Rng } from "../util/index.ts";

/** Elements that one array can have. */
const MAX_LENGTH = 2 ** 32 - 1;

/** Trainable tensors that lie one behind the other in one array, so that optimisers and clipping are single loops. */
export class ParameterStore {
  readonly specs: readonly ParameterSpec[];
  readonly flat: Floats;
  /** Views into `flat` by name. */
  readonly views: Feeds;

  /** @throws CumaError where no memory could hold them. */
  constructor(specs: readonly ParameterSpec[], precision: Precision) {
    this.specs = specs;
    const total = specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    if (4 * total > totalmem() || total > MAX_LENGTH) {
      throw new CumaError(
        `adapter: its ${total.toExponential(1)} trainable numbers take ${formatBytes(4 * total)}, and there are ${formatBytes(totalmem())} of memory; give it a smaller rank, fewer experts or a narrower router`,
      );
    }
    this.flat = floats(precision, total);
    const views: Record<string, HostTensor> = {};
    let at = 0;
    for (const { name, shape } of specs) {
      views[name] = { shape, data: this.flat.subarray(at, at + sizeOf(shape)) };
      at += sizeOf(shape);
    }
    this.views = views;
  }

  /**
   * Draws every parameter from its own stream, so that the order of parameters does not matter.
   * @param base Tensors of the base, for what starts from them.
   */
  initialise(seed: number, base: ReadonlyMap<string, HostTensor> = new Map()): void {
    const tensorOf = (name: string): HostTensor => {
      const tensor = base.get(name);
      if (!tensor) throw new Error(`the base has no tensor "${name}"`);
      return tensor;
    };
    for (const spec of this.specs) {
      const view = this.views[spec.name]!.data;
      // Drawn in float32 in either precision.
      const data = view instanceof Float32Array ? view : new Float32Array(view.length);
      spec.init(data, new Rng(seed, "init", spec.name), tensorOf);
      if (data !== view) view.set(data);
    }
  }

  /** @throws where a tensor is missing or has another size. */
  set(tensors: Feeds): void {
    for (const { name, shape } of this.specs) {
      const { data } = tensors[name] ?? { data: undefined };
      if (data?.length !== sizeOf(shape)) {
        throw new Error(`parameter "${name}": expected ${sizeOf(shape)} values, got ${data?.length ?? "none"}`);
      }
      this.views[name]!.data.set(data);
    }
  }
}

/** Numbers of parameters by part, and in all. */
export function parameterCounts(specs: readonly ParameterSpec[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { part, shape } of specs) counts[part] = (counts[part] ?? 0) + sizeOf(shape);
  counts["total"] = specs.reduce((total, { shape }) => total + sizeOf(shape), 0);
  return counts;
}
