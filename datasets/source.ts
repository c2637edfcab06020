import type { Profile } from "../src/core/text/index.ts";

/** What every example has, whatever it asks: the person (or the group) that it is about. */
export interface Profiled {
  readonly profile: Profile;
}

/** Which examples of a split are loaded. */
export interface LoadOptions {
  /** Number of examples to draw; all when absent. */
  readonly limit?: number | undefined;
  /** Seed of the draw (default 0). */
  readonly seed?: number | undefined;
}

/** Examples that are made when asked for: a data set of millions of them need not sit in memory. */
export interface Source<E extends Profiled = Profiled> {
  readonly length: number;
  /** The example at a position in [0, length). */
  at(index: number): E;
  /** Names of the attributes that profiles of this source may have, in order. */
  readonly attributes: readonly string[];
  /** SHA-256 (hex) of each file that was read, by path relative to the data folder. */
  readonly files: Readonly<Record<string, string>>;
  /** What was changed or left out on reading, by reason. */
  readonly notes?: Readonly<Record<string, number>>;
  /**
   * Profiles that there are in any split, as far as reading this one tells, drawn by a limit or not; some name only some of their
   * attributes. Absent: those of the examples.
   */
  readonly known?: readonly Profile[];
  /** Where the data itself keeps groups out of its training split: whether the profile's is one of them. */
  isHeldOut?(profile: Profile): boolean;
}

/** The examples of a source at given positions. */
export function select<E extends Profiled>(source: Source<E>, positions: readonly number[]): Source<E> {
  return {
    ...source,
    length: positions.length,
    at(index) {
      const at = positions[index];
      if (at === undefined) throw new RangeError(`expected an index in [0, ${positions.length}); found ${index}`);
      return source.at(at);
    },
  };
}
