import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { shuffleBy } from "./shuffle.ts";

/**
 * Seeded random numbers: sfc32 (Chris Doty-Humphrey's small fast counting generator, 128 bits of state).
 *
 * A stream is named by a seed and a path of labels, and streams of different names are independent. Code that needs
 * randomness at step `n` opens the stream `(seed, "dropout", n)` instead of carrying state around, so a resumed run
 * draws exactly what the uninterrupted one would have drawn.
 */
export class Rng {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number, ...path: readonly (string | number)[]) {
    const digest = new DataView(sha256(utf8ToBytes(JSON.stringify([seed, ...path]))).buffer);
    this.a = digest.getInt32(0, true);
    this.b = digest.getInt32(4, true);
    this.c = digest.getInt32(8, true);
    this.d = digest.getInt32(12, true);
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** Uniform integer in [0, 2^32). */
  uint32(): number {
    const t = (((this.a + this.b) | 0) + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** Uniform integer in [0, n), without bias. */
  below(n: number): number {
    if (!(n > 0 && n <= 2 ** 53)) throw new RangeError(`Rng.below: expected a bound in (0, 2^53], got ${n}`);
    if (n > 2 ** 32) return Math.floor(this.uniform() * n);
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const x = this.uint32();
      if (x < limit) return x % n;
    }
  }

  /** Standard normal (Box-Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Index drawn with probability proportional to `weights`. */
  choice(weights: readonly number[]): number {
    let left = this.uniform() * weights.reduce((sum, w) => sum + w, 0);
    for (let i = 0; i < weights.length; i++) {
      left -= weights[i]!;
      if (left < 0) return i;
    }
    return weights.length - 1;
  }

  /** Fisher-Yates, in place. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    return shuffleBy(items, (n) => this.below(n));
  }
}
