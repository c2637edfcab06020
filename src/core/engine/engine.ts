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
   * The same program with tensors that stay where the engine computes, so that later runs feed the rest alone. What is written to
   * them afterwards may not be seen: they are what is frozen. Disposing of it lets them go; the program itself stays.
   */
  bind(resident: Feeds): Executable;
  /**
   * Feeds that the program does not name are ignored. Outputs are written into the tensors of `into` where it has one
   * of that name; the others are new.
   * @throws ShapeError naming the feed, what was expected and what was given.
   */
  run(feeds: Feeds, into?: Feeds): Promise<Feeds>;
  dispose(): Promise<void>;
}

/** `bind` of an engine that computes in the host's memory: there is nothing to move, so tensors are fed with each run. */
export function merged(executable: Executable, resident: Feeds): Executable {
  return {
    bind: (more) => merged(executable, { ...resident, ...more }),
    run: (feeds, into) => executable.run({ ...resident, ...feeds }, into),
    dispose: () => Promise.resolve(),
  };
}
