import { shuffleBy } from "./shuffle.ts";

const N = 624;
const M = 397;

/**
 * CPython's `random` module for an integer seed: MT19937 and its `getrandbits`, `randrange` and `shuffle`, bit for bit.
 *
 * For data whose published split was drawn with it; everything else draws from `Rng`. The seed is split into 32-bit
 * words, lowest first, for the generator's `init_by_array`, as CPython does (Matsumoto & Nishimura 1998, mt19937ar).
 */
export class MersenneTwister {
  private readonly state = new Uint32Array(N);
  private next = N;

  /** @param seed A whole number; as in Python its sign does not count. */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) throw new RangeError(`MersenneTwister: expected a whole seed, got ${seed}`);
    const { state } = this;
    const size = Math.abs(seed);
    const key = size < 2 ** 32 ? [size] : [size % 2 ** 32, Math.floor(size / 2 ** 32)];
    // Products and sums are modulo 2^32: `Math.imul`, and what Uint32Array stores.
    const mixed = (i: number, factor: number) => Math.imul(state[i - 1]! ^ (state[i - 1]! >>> 30), factor);
    state[0] = 19650218;
    for (let i = 1; i < N; i++) state[i] = mixed(i, 1812433253) + i;
    // Both rounds go on from where the last one stopped; past the end they wrap around to 1.
    let i = 1;
    for (let k = 0; k < 2 * N - 1; k++) {
      const j = k % key.length;
      state[i] = k < N ? (state[i]! ^ mixed(i, 1664525)) + key[j]! + j : (state[i]! ^ mixed(i, 1566083941)) - i;
      if (++i < N) continue;
      state[0] = state[N - 1]!;
      i = 1;
    }
    state[0] = 0x80000000;
  }

  /** Uniform integer in [0, 2^32): `random.getrandbits(32)`. */
  uint32(): number {
    if (this.next === N) this.refill();
    let y = this.state[this.next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** Uniform integer in [0, n) for n < 2^32: `random.randrange(n)`, the top bits of one output, drawn until they are below n. */
  below(n: number): number {
    if (!(n > 0 && n < 2 ** 32)) throw new RangeError(`MersenneTwister.below: expected a bound in (0, 2^32), got ${n}`);
    const shift = Math.clz32(n);
    for (;;) {
      const x = this.uint32() >>> shift;
      if (x < n) return x;
    }
  }

  /** In place: `random.shuffle(items)`. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    return shuffleBy(items, (n) => this.below(n));
  }

  private refill(): void {
    const { state } = this;
    for (let i = 0; i < N; i++) {
      const y = (state[i]! & 0x80000000) | (state[(i + 1) % N]! & 0x7fffffff);
      state[i] = state[(i + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.next = 0;
  }
}
