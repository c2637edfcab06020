import * as z from "zod";
import { checkArgument } from "../util/index.ts";

const count = z.int().nonnegative();
const pValues = z.custom<readonly number[]>(
  (value) => Array.isArray(value) && value.every((p) => typeof p === "number" && !(p < 0 || p > 1)),
  "expected a list of numbers from 0 to 1, or NaN",
);

/** The exact McNemar test of two classifiers on the same rows. */
export interface McNemar {
  /** Rows that only the first got right. */
  readonly onlyA: number;
  /** Rows that only the second got right. */
  readonly onlyB: number;
  /** Two-sided p-value: of a fair coin, n = onlyA + onlyB; 1 where no row tells them apart. */
  readonly p: number;
}

/**
 * Exact McNemar test: whether the rows that only one of two got right are split evenly between the two. It takes rows to
 * be independent: where people answer several questions it is too sure, and the paired cluster bootstrap is not.
 */
export function mcnemar(onlyA: number, onlyB: number): McNemar {
  checkArgument("onlyA", count, onlyA);
  checkArgument("onlyB", count, onlyB);
  const n = onlyA + onlyB;
  // log C(n, k) - n log 2, from k = 0 up.
  let term = -n * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= Math.min(onlyA, onlyB); k++) {
    tail += Math.exp(term);
    term += Math.log((n - k) / (k + 1));
  }
  return { onlyA, onlyB, p: Math.min(1, 2 * tail) };
}

/**
 * p-values adjusted for their number by Benjamini and Hochberg: rejecting those up to a level keeps the expected share of
 * false rejections below it. NaN is no test and stays NaN.
 */
export function benjaminiHochberg(ps: readonly number[]): number[] {
  checkArgument("ps", pValues, ps);
  const order = [...ps.keys()].filter((i) => !Number.isNaN(ps[i]!)).sort((a, b) => ps[b]! - ps[a]!);
  const adjusted = ps.map(() => NaN);
  let least = 1;
  for (const [i, at] of order.entries()) {
    least = Math.min(least, ps[at]! * (order.length / (order.length - i)));
    adjusted[at] = least;
  }
  return adjusted;
}
