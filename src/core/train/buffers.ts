import type { Engine } from "../engine/index.ts";
import { floats, sizeOf, type Floats, type HostTensor } from "../graph/index.ts";

/** Memory that is kept between runs, so that a steady loop allocates nothing: one run at a time. */
export class Buffers {
  private readonly blocks = new Map<string, Floats | Int32Array>();
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** The block of this name as a float tensor; it grows as needed, and what it held before is lost. */
  floats(name: string, shape: readonly number[]): HostTensor & { data: Floats } {
    return this.get(name, shape, (size) => floats(this.engine.precision, size)) as HostTensor & { data: Floats };
  }

  /** The same for integers. */
  ints(name: string, shape: readonly number[]): HostTensor {
    return this.get(name, shape, (size) => new Int32Array(size));
  }

  private get(name: string, shape: readonly number[], make: (size: number) => Floats | Int32Array): HostTensor {
    const size = sizeOf(shape);
    let block = this.blocks.get(name);
    if (!block || block.length < size) this.blocks.set(name, (block = make(size)));
    return { shape, data: block.subarray(0, size) };
  }
}
