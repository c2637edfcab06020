import type { Feeds, Precision, Program } from "../graph/index.ts";

/** Runs programs. Engines differ in speed and exactness, never in meaning. */
export interface Engine {
  readonly name: string;
  /** All that the last digits of its results depend on, in letters, digits, dots and hyphens: "onnxruntime-1.30.0-cpu-2". */
  readonly setup: string;
  readonly precision: Precision;
  compile(program: Program): Promise<Executable>;
}

/** A compiled program. */
export interface Executable {
  /**
   * Feeds that the program does not name are ignored. Outputs are written into the tensors of `into` where it has one
   * of that name; the others are new.
   * @throws ShapeError naming the feed, what was expected and what was given.
   */
  run(feeds: Feeds, into?: Feeds): Promise<Feeds>;
  dispose(): Promise<void>;
}
