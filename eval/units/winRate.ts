import { verdictOf, type JudgedExample } from "./judged.ts";
import type { UnitMetric } from "./unitMetric.ts";

const worth = { win: 1, tie: 0.5, loss: 0 } as const;

/**
 * How often answer a beats answer b: (wins + ties / 2) / examples, with an interval that draws participants.
 *
 * 1: a always wins; 0: b does; never negative; NaN: no example.
 */
export const winRateBootstrap: UnitMetric<JudgedExample> = {
  title: "win rate; bootstrap interval of participants",
  higherIsBetter: true,
  range: [0, 1],
  of: (example) => worth[verdictOf(example)],
};

/** As `winRateBootstrap`, with Wilson's interval. */
export const winRate: UnitMetric<JudgedExample> = {
  ...winRateBootstrap,
  title: "(wins + ties / 2) / examples of answer a; Wilson interval",
  interval: wilsonInterval,
};

/**
 * Wilson's score interval of a share p of n examples:
 * (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n), z the normal quantile of (1 + level) / 2.
 *
 * Ties count half in p. They make the true variance smaller than the p (1 - p) / n of wins and losses alone, so that
 * the interval is wider than it needs to be, never narrower. It takes examples for independent. NaN for n = 0.
 */
export function wilsonInterval(p: number, n: number, level: number): { low: number; high: number } {
  if (n === 0) return { low: NaN, high: NaN };
  const z = twoSidedQuantile(level);
  const centre = p + z ** 2 / (2 * n);
  const half = z * Math.sqrt((p * (1 - p)) / n + z ** 2 / (4 * n ** 2));
  const scale = 1 + z ** 2 / n;
  return { low: Math.max(0, (centre - half) / scale), high: Math.min(1, (centre + half) / scale) };
}

/**
 * The z within which a standard normal lies with probability `level` in (0, 1): Newton's method from 0 on
 * 2 phi(z) (z + z^3 / 3 + z^5 / 15 + ...) = level, which is concave, so that it comes from below and cannot miss. To 1e-9 for
 * levels up to 0.999999.
 */
export function twoSidedQuantile(level: number): number {
  let z = 0;
  for (;;) {
    const density = (2 * Math.exp(-(z ** 2) / 2)) / Math.sqrt(2 * Math.PI);
    let term = z;
    let series = z;
    for (let k = 3; term > series * Number.EPSILON; k += 2) series += term *= z ** 2 / k;
    const next = z + (level - density * series) / density;
    if (!(next - z > z * 1e-15)) return next;
    z = next;
  }
}
