import { BatchSchedule } from "./batches.ts";
import type { Feed, Examples } from "./feed.ts";
import type { Objective } from "./objective.ts";

export interface FeedSettings {
  /** Examples in one batch, and batches in one step. */
  readonly batchSize: number;
  readonly accumulate: number;
  readonly epochs: number;
  /** Stop after this many steps; null: after the epochs. */
  readonly maxSteps: number | null;
  readonly seed: number;
}

/** A seeded schedule over a source (see `BatchSchedule`); the last step of an epoch may have fewer batches. */
export class ScheduledFeed<E> implements Feed<E> {
  readonly steps: number;
  readonly stepsPerEpoch: number;
  private readonly schedule: BatchSchedule<E>;
  private readonly accumulate: number;
  private readonly epochs: number;

  constructor(
    source: Examples<E>,
    { size }: Pick<Objective<E>, "size">,
    { batchSize, accumulate, epochs, maxSteps, seed }: FeedSettings,
  ) {
    this.schedule = new BatchSchedule(source, batchSize, seed, (example) => size(example).tokens);
    this.accumulate = accumulate;
    this.epochs = epochs;
    this.stepsPerEpoch = Math.ceil(this.schedule.batchesPerEpoch / accumulate);
    const all = this.stepsPerEpoch * epochs;
    this.steps = maxSteps === null ? all : Math.min(maxSteps, all);
  }

  /** Batches to know the sizes of a run's batches by, known before its first step: those of one epoch differ little. */
  get first(): readonly (readonly E[])[] {
    return this.schedule.windowOf(0);
  }

  /** The examples of all epochs, in the order of the batches. */
  *examples(): Generator<E> {
    const batches = this.schedule.batchesPerEpoch * this.epochs;
    for (let number = 0; number < batches; number++) yield* this.schedule.at(number);
  }

  batches(step: number): Promise<readonly (readonly E[])[]> {
    const { batchesPerEpoch } = this.schedule;
    const epoch = Math.floor((step - 1) / this.stepsPerEpoch);
    const first = ((step - 1) % this.stepsPerEpoch) * this.accumulate;
    const n = Math.min(this.accumulate, batchesPerEpoch - first);
    return Promise.resolve(Array.from({ length: n }, (_, i) => this.schedule.at(epoch * batchesPerEpoch + first + i)));
  }
}
