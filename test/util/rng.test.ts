import { expect, test } from "vitest";
import { Rng } from "../../src/core/util/index.ts";

// The first numbers of streams that Node's own SHA-256 has seeded: every run and split there is depends on them.
test.each([
  { seed: 0, path: [], first: 265741695, next: 0.21946723780375177 },
  { seed: 7, path: ["dropout", 3], first: 2974628547, next: 0.39339270049704755 },
  { seed: 2 ** 31, path: ["ünï", "\ud800"], first: 1673040317, next: 0.43169101954333566 },
])("the stream of seed $seed and $path is the same everywhere", ({ seed, path, first, next }) => {
  const rng = new Rng(seed, ...path);
  expect(rng.uint32()).toBe(first);
  expect(rng.uniform()).toBe(next);
});
