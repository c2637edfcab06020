import type { Rng } from "../../src/core/util/index.ts";
import { permutationP } from "../../src/core/stats/index.ts";

/**
 * Adjusted Rand index of two partitions of the same items (Hubert & Arabie 1985), over pairs of items: with tp pairs
 * together in both, tn in neither, fp in the first only, fn in the second only,
 * 2 (tp tn - fn fp) / ((tp + fn)(fn + tn) + (tp + fp)(fp + tn)).
 *
 * 1: the same partition, whatever its labels; 0: as chance would have it; negative: less than chance.
 */
export function adjustedRand(first: readonly unknown[], second: readonly unknown[]): number {
  const rows = codesOf(first);
  const columns = codesOf(second);
  const n = first.length;
  const squares = (codes: readonly number[]): number => {
    const counts = new Map<number, number>();
    for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
    return [...counts.values()].reduce((sum, count) => sum + count * count, 0);
  };
  const both = squares(rows.map((row, i) => row * n + columns[i]!));
  const [inFirst, inSecond] = [squares(rows), squares(columns)];
  // Ordered pairs, each counted twice.
  const tp = both - n;
  const fp = inFirst - both;
  const fn = inSecond - both;
  const tn = n * n - inFirst - inSecond + both;
  if (fp === 0 && fn === 0) return 1;
  return (2 * (tp * tn - fn * fp)) / ((tp + fn) * (fn + tn) + (tp + fp) * (fp + tn));
}

/** The index with the p-value of the test that permutes the labels of the second partition over the items. */
export function testAgreement(
  first: readonly unknown[],
  second: readonly unknown[],
  permutations: number,
  rng: Rng,
): { readonly adjustedRand: number; readonly p: number } {
  const observed = adjustedRand(first, second);
  const labels = codesOf(second);
  const p = permutationP(observed, permutations, () => adjustedRand(first, rng.shuffle(labels)));
  return { adjustedRand: observed, p };
}

function codesOf(labels: readonly unknown[]): number[] {
  const codes = new Map<unknown, number>();
  return labels.map((label) => {
    let code = codes.get(label);
    if (code === undefined) codes.set(label, (code = codes.size));
    return code;
  });
}
