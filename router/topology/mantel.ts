import type { Rng } from "../../src/core/util/index.ts";
import { permutationP } from "../../src/core/stats/index.ts";

type Distances = readonly (readonly number[])[];

/**
 * Mantel test (Mantel 1967): Pearson's r between the upper triangles of two distance matrices of the same items, and the
 * p-value for r > 0 of the test that permutes the items of the second.
 *
 * r 1: far apart in one is far apart in the other, linearly; 0: no relation; -1: the reverse; NaN: all distances of one
 * matrix are equal, or there are fewer than 3 items.
 * @param first Symmetric [G][G], finite. @param second The same.
 */
export function mantelTest(
  first: Distances,
  second: Distances,
  permutations: number,
  rng: Rng,
): { readonly r: number; readonly p: number } {
  const items = first.map((_, i) => i);
  const a = centred(triangle(first, items));
  const b = centred(triangle(second, items));
  const size = Math.sqrt(dot(a, a) * dot(b, b));
  const scale = size > 0 && items.length >= 3 ? 1 / size : NaN;
  const r = dot(a, b) * scale;
  const p = permutationP(r, permutations, () => dot(a, centred(triangle(second, rng.shuffle(items)))) * scale);
  return { r, p };
}

function triangle(distances: Distances, items: readonly number[]): Float64Array {
  const n = items.length;
  const values = new Float64Array((n * (n - 1)) / 2);
  let at = 0;
  for (let i = 0; i < n; i++) {
    const row = distances[items[i]!]!;
    for (let j = i + 1; j < n; j++) values[at++] = row[items[j]!]!;
  }
  return values;
}

function centred(values: Float64Array): Float64Array {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const differences = values.map((value) => value - mean);
  // What is left of equal distances is rounding.
  const size = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return differences.every((d) => Math.abs(d) <= 1e-12 * size) ? differences.fill(0) : differences;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
