import { EigenvalueDecomposition } from "ml-matrix";
import { entropy } from "../../src/core/stats/index.ts";
import { CumaError } from "../../src/core/util/index.ts";
import type { UnitMetric } from "./unitMetric.ts";
import type { Ngrams } from "./ngrams.ts";
import type { PromptTexts } from "./promptTexts.ts";

/** A prompt with more has no Vendi score: the time for its eigenvalues grows as the cube. */
const MOST_TEXTS = 1000;

/** `vendiScore` of the texts of a prompt. */
export const vendi: UnitMetric<PromptTexts> = {
  title: "Vendi score, effective number of different texts",
  higherIsBetter: null,
  range: [1, Infinity],
  of: ({ rows, kernel }) => (rows > MOST_TEXTS ? NaN : vendiScore(kernel())),
  without: `prompts with more than ${MOST_TEXTS} texts`,
};

/** How far rounding may take a kernel from 1 on its diagonal, from symmetry, or an eigenvalue below 0. */
const TOLERANCE = 1e-6;

/**
 * Vendi score (Friedman & Dieng 2023): exp of the entropy of the eigenvalues of K / n, the effective number of
 * different items.
 *
 * 1: all are alike; n: no two have anything in common; never less than 1; NaN: no items. It grows with n: compare it
 * for equal numbers of items only.
 * @param kernel [n, n] similarities, symmetric, positive semi-definite, 1 on the diagonal.
 * @throws CumaError where the kernel is none.
 */
export function vendiScore(kernel: readonly (readonly number[])[]): number {
  const n = kernel.length;
  if (n === 0) return NaN;
  for (const [i, row] of kernel.entries()) {
    if (row.length !== n) throw new CumaError(`kernel: row ${i + 1}: expected ${n} numbers, found ${row.length}`);
    for (const [j, value] of row.entries()) {
      const expected = i === j ? 1 : kernel[j]![i]!;
      if (Math.abs(value - expected) <= TOLERANCE) continue;
      throw new CumaError(`kernel[${i}][${j}]: expected ${expected} (symmetric, 1 for equal items), found ${value}`);
    }
  }
  const scaled = kernel.map((row) => row.map((value) => value / n));
  const { realEigenvalues } = new EigenvalueDecomposition(scaled, { assumeSymmetric: true });
  for (const value of realEigenvalues) {
    if (value < -TOLERANCE) {
      throw new CumaError(`kernel: expected a positive semi-definite one, found the eigenvalue ${value * n}`);
    }
  }
  return Math.exp(entropy(realEigenvalues));
}

/** [n, n] from a similarity of two items. */
export function kernelOf<T>(items: readonly T[], similarity: (a: T, b: T) => number): number[][] {
  const kernel = items.map(() => new Array<number>(items.length).fill(0));
  for (const [i, a] of items.entries()) {
    for (let j = i; j < items.length; j++) kernel[i]![j] = kernel[j]![i] = similarity(a, items[j]!);
  }
  return kernel;
}

/** [n, n] cosine similarities of vectors that are not zero. */
export function cosineKernel(vectors: readonly (readonly number[])[]): number[][] {
  return kernelOf(
    vectors.map((vector) => {
      const norm = Math.sqrt(vector.reduce((sum, x) => sum + x ** 2, 0));
      return vector.map((x) => x / norm);
    }),
    (a, b) => a.reduce((sum, x, i) => sum + x * b[i]!, 0),
  );
}

/**
 * [n, n] cosine similarities of the texts' n-gram counts, the mean over the orders that every text is long enough for
 * (`ngram_vendi_score` of the vendi_score package, for texts of at least as many tokens as there are orders).
 * @param orders The texts' n-grams for n = 1, 2 ..
 */
export function ngramKernel(orders: readonly Ngrams[]): number[][] {
  const used = orders.filter(({ lengths }) => lengths.every((length) => length > 0));
  const items = orders[0]!.lengths.length;
  const kernel = Array.from({ length: items }, () => new Array<number>(items).fill(0));
  for (const { distinct, starts, texts, counts } of used) {
    const squares = new Float64Array(items);
    for (const [i, count] of counts.entries()) squares[texts[i]!]! += count ** 2;
    const weights = Float64Array.from(counts, (count, i) => count / Math.sqrt(squares[texts[i]!]! * used.length));
    for (let code = 0; code < distinct; code++) {
      for (let i = starts[code]!; i < starts[code + 1]!; i++) {
        const row = kernel[texts[i]!]!;
        for (let j = starts[code]!; j < starts[code + 1]!; j++) row[texts[j]!]! += weights[i]! * weights[j]!;
      }
    }
  }
  return kernel;
}
