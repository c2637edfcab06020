/** CONTRIBUTING.md says that a metric is one file. Here are one of predictions and one of units that no table knows. */
import { describe, expect, test } from "vitest";
import { evaluate, evaluateWith, metrics, type Metric } from "../../eval/index.ts";
import type { Turn } from "../../eval/units/kendallTau.ts";
import { overUnits } from "../../eval/units/unitMetric.ts";
import { tableOf } from "../eval/support.ts";
import { brier } from "./brier.ts";
import { topChoice } from "./topChoice.ts";

describe("a metric of predictions from outside of the table", () => {
  /** Brier scores by participant: a 2 x 0.1^2 = 0.02; b 2 x 0.6^2 = 0.72 of weight 3; c 0.5^2 + 0.3^2 + 0.2^2 = 0.38. */
  const table = tableOf([
    { participantId: "a", probabilities: [0.1, 0.9], answer: 1 },
    { participantId: "b", probabilities: [0.4, 0.6], answer: 0, weight: 3 },
    { participantId: "c", probabilities: [0.5, 0.3, 0.2], answer: 0 },
    { participantId: "d", answer: null },
  ]);

  test("has its value, its interval and what it leaves out", () => {
    const { brier: found } = evaluateWith({ brier }, table, { seed: 3 });
    expect(found.value).toBeCloseTo((0.02 + 3 * 0.72 + 0.38) / 5, 12);
    expect(found).toMatchObject({ n: 3, excluded: { "no answer": 1 } });
    // The mean of some of the scores is never outside of their range.
    expect(found.low).toBeGreaterThanOrEqual(0);
    expect(found.low).toBeLessThan(found.value);
    expect(found.high).toBeGreaterThan(found.value);
    expect(found.high).toBeLessThanOrEqual(2);
    expect(evaluateWith({ brier }, tableOf([{ answer: null }])).brier.value).toBeNaN();
  });

  test("sees the same draws as those in the table, which it leaves as they are", () => {
    // Of two options one of which is certain, the Brier score is twice the share of wrong ones.
    const certain = tableOf(
      Array.from({ length: 12 }, (_, i) => ({
        participantId: `p${i}`,
        probabilities: i % 3 === 0 ? [1, 0] : [0, 1],
        answer: 1,
      })),
    );
    const all: Record<"accuracy" | "brier", Metric> = { accuracy: metrics.accuracy, brier };
    const few = { resamples: 20 };
    const found = evaluateWith(all, certain, few);
    expect(found.accuracy).toEqual(evaluate(certain, few).accuracy);
    expect(found.brier.value).toBeCloseTo(2 * (1 - found.accuracy.value), 12);
    expect(found.brier.low).toBeCloseTo(2 * (1 - found.accuracy.high), 12);
    expect(found.brier.high).toBeCloseTo(2 * (1 - found.accuracy.low), 12);
  });

  test("is asked for by its name, and no other name is known", () => {
    expect(Object.keys(evaluateWith({ accuracy: metrics.accuracy, brier }, table, { metrics: ["brier"] }))).toEqual([
      "brier",
    ]);
    expect(() => evaluateWith<string>({ brier }, table, { metrics: ["accuracy"] })).toThrow(/brier/);
  });
});

test("a metric of units from outside of the table has its value and its interval", () => {
  const turn = (cluster: string, rewards: number[], scores: number[]): Turn => {
    return { cluster, rows: rewards.length, rewards, scores };
  };
  const turns = [
    turn("a", [0.3, 0.1], [5, 2]),
    turn("a", [0.1, 0.3], [5, 2]),
    turn("b", [-1, 2, 0], [1, 7, 7]),
    turn("c", [0, 0], [1, 2]),
  ];
  const found = overUnits({ topChoice }, turns, { "turns with fewer than 2 rows": 1 }, { seed: 1 }).topChoice;
  expect(found).toMatchObject({ value: 2 / 4, n: 9, excluded: { "turns with fewer than 2 rows": 1 } });
  expect(found.low).toBeLessThan(2 / 4);
  expect(found.high).toBeGreaterThan(2 / 4);
});
