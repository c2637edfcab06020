import { Rng } from "../util/index.ts";
import type { Examples } from "./feed.ts";

/** Batches of this many are sorted by length together: enough to waste little on padding, few enough to stay mixed. */
const WINDOW_BATCHES = 64;

/**
 * Which examples go into which batch: every epoch is a seeded shuffle, cut into windows; inside a window examples of
 * similar length share a batch, and the batches come in shuffled order. A batch depends only on the seed and its number,
 * so that a resumed run goes on where it stopped. The examples of one window are held at a time: each is made once an epoch.
 */
export class BatchSchedule<E> {
  readonly batchesPerEpoch: number;
  private readonly source: Examples<E>;
  private readonly batchSize: number;
  private readonly seed: number;
  private readonly tokens: (example: E) => number;
  private epoch = -1;
  private order: Uint32Array = new Uint32Array(0);
  private window = -1;
  private batches: readonly (readonly E[])[] = [];

  /** @param tokens Number of tokens of an example. */
  constructor(source: Examples<E>, batchSize: number, seed: number, tokens: (example: E) => number) {
    this.source = source;
    this.batchSize = batchSize;
    this.seed = seed;
    this.tokens = tokens;
    this.batchesPerEpoch = Math.ceil(source.length / batchSize);
  }

  /** The examples of a batch, by its number since the first epoch. */
  at(number: number): readonly E[] {
    return this.windowOf(number)[(number % this.batchesPerEpoch) % WINDOW_BATCHES]!;
  }

  /** The batches of the window that a batch is in. */
  windowOf(number: number): readonly (readonly E[])[] {
    const epoch = Math.floor(number / this.batchesPerEpoch);
    const window = Math.floor((number % this.batchesPerEpoch) / WINDOW_BATCHES);
    if (epoch !== this.epoch) {
      const all = Uint32Array.from({ length: this.source.length }, (_, i) => i);
      this.order = new Rng(this.seed, "epoch", epoch).shuffle(all);
      this.epoch = epoch;
      this.window = -1;
    }
    if (window !== this.window) {
      this.batches = this.makeWindow(window);
      this.window = window;
    }
    return this.batches;
  }

  private makeWindow(window: number): readonly (readonly E[])[] {
    const start = window * WINDOW_BATCHES * this.batchSize;
    const indices = this.order.subarray(start, start + WINDOW_BATCHES * this.batchSize);
    const sorted = Array.from(indices, (index) => this.source.at(index))
      .map((example) => ({ example, tokens: this.tokens(example) }))
      .sort((a, b) => a.tokens - b.tokens)
      .map(({ example }) => example);
    const batches: E[][] = [];
    for (let at = 0; at < sorted.length; at += this.batchSize) batches.push(sorted.slice(at, at + this.batchSize));
    return new Rng(this.seed, "window", this.epoch, window).shuffle(batches);
  }
}
