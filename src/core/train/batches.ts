import { Rng } from "../util/index.ts";

/** Batches of this many are sorted by length together: enough to waste little on padding, few enough to stay mixed. */
const WINDOW_BATCHES = 64;

/**
 * Which examples go into which batch: every epoch is a seeded shuffle, cut into windows; inside a window examples of
 * similar length share a batch, and the batches come in shuffled order. A batch depends only on the seed and its number,
 * so that a resumed run goes on where it stopped.
 */
export class BatchSchedule {
  readonly batchesPerEpoch: number;
  private readonly size: number;
  private readonly batchSize: number;
  private readonly seed: number;
  private readonly lengthOf: (example: number) => number;
  private epoch = -1;
  private order: Uint32Array = new Uint32Array(0);
  private window = -1;
  private batches: readonly (readonly number[])[] = [];

  /** @param lengthOf Number of tokens of an example. */
  constructor(size: number, batchSize: number, seed: number, lengthOf: (example: number) => number) {
    this.size = size;
    this.batchSize = batchSize;
    this.seed = seed;
    this.lengthOf = lengthOf;
    this.batchesPerEpoch = Math.ceil(size / batchSize);
  }

  /** The examples of a batch, by its number since the first epoch. */
  at(number: number): readonly number[] {
    const epoch = Math.floor(number / this.batchesPerEpoch);
    const inEpoch = number % this.batchesPerEpoch;
    const window = Math.floor(inEpoch / WINDOW_BATCHES);
    if (epoch !== this.epoch) {
      this.order = new Rng(this.seed, "epoch", epoch).shuffle(Uint32Array.from({ length: this.size }, (_, i) => i));
      this.epoch = epoch;
      this.window = -1;
    }
    if (window !== this.window) {
      this.batches = this.makeWindow(window);
      this.window = window;
    }
    return this.batches[inEpoch % WINDOW_BATCHES]!;
  }

  private makeWindow(window: number): readonly (readonly number[])[] {
    const start = window * WINDOW_BATCHES * this.batchSize;
    const examples = Array.from(this.order.subarray(start, start + WINDOW_BATCHES * this.batchSize));
    const lengths = new Map(examples.map((example) => [example, this.lengthOf(example)]));
    examples.sort((a, b) => lengths.get(a)! - lengths.get(b)!);
    const batches: number[][] = [];
    for (let at = 0; at < examples.length; at += this.batchSize) batches.push(examples.slice(at, at + this.batchSize));
    return new Rng(this.seed, "window", this.epoch, window).shuffle(batches);
  }
}
