import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate } from "../../eval/evaluate.ts";
import type { PredictionRow } from "../../eval/predictions.ts";
import { Rng } from "../../src/util/index.ts";
import { tableOf } from "./support.ts";

const TRIPLE = ["mci", "rho", "beta"] as const;

/** Distributions of 12 questions in 6 groups that differ. */
function truths(options: number, seed: number): number[][][] {
  const rng = new Rng(seed, "truths");
  return Array.from({ length: 12 }, () =>
    Array.from({ length: 6 }, () => {
      const raw = Array.from({ length: options }, () => 0.05 + rng.uniform() ** 3);
      const sum = raw.reduce((a, b) => a + b, 0);
      return raw.map((p) => p / sum);
    }),
  );
}

const meanOf = (ps: readonly (readonly number[])[]): number[] =>
  ps[0]!.map((_, k) => ps.reduce((sum, p) => sum + p[k]!, 0) / ps.length);

/** One row for each question and group, its truth a distribution. */
function exact(
  truth: readonly (readonly number[][])[],
  predict: (question: number, group: number) => readonly number[],
  ordered = true,
): Partial<PredictionRow>[] {
  return truth.flatMap((groups, q) =>
    groups.map((target, g) => ({
      questionId: `Q${q}`,
      participantId: null,
      profile: { country: `C${g}` },
      answer: null,
      target,
      probabilities: predict(q, g),
      ordered,
    })),
  );
}

function triple(rows: readonly Partial<PredictionRow>[]): [number, number, number] {
  const found = evaluate(tableOf(rows), { metrics: TRIPLE, resamples: 0 });
  return [found.mci.value, found.rho.value, found.beta.value];
}

function expectTriple(found: readonly number[], expected: readonly number[]): void {
  for (const [i, value] of expected.entries()) {
    if (Number.isNaN(value)) expect(found[i]).toBeNaN();
    else expect(found[i]).toBeCloseTo(value, 9);
  }
}

describe.each([
  ["ordered", true],
  ["nominal", false],
])("known answers, %s options", (_, ordered) => {
  const truth = truths(5, 1);

  test("the truth itself: (0, 1, 1)", () => {
    expectTriple(triple(exact(truth, (q, g) => truth[q]![g]!, ordered)), [0, 1, 1]);
  });

  test("one marginal for all: (1, no direction, 0), and a pooled EMD of 0", () => {
    const rows = exact(truth, (q) => meanOf(truth[q]!), ordered);
    expectTriple(triple(rows), [1, NaN, 0]);
    if (ordered)
      expect(evaluate(tableOf(rows), { metrics: ["emdProb"], resamples: 0 }).emdProb.value).toBeCloseTo(0, 12);
  });

  test("true groups that do not differ: undefined", () => {
    const same = truth.map((groups) => groups.map(() => groups[0]!));
    expectTriple(triple(exact(same, (q, g) => truth[q]![g]!, ordered)), [NaN, NaN, NaN]);
  });
});

test("halfway to the marginal: (0.5, 1, 0.5); twice as far as the truth: (-1, 1, 2); the other way: (0, -1, -1)", () => {
  const truth = truths(4, 2).map((groups) => groups.map((p) => p.map((x) => 0.3 * x + 0.7 / 4)));
  const towards = (factor: number) => (q: number, g: number) => {
    const marginal = meanOf(truth[q]!);
    return truth[q]![g]!.map((p, k) => marginal[k]! + factor * (p - marginal[k]!));
  };
  expectTriple(triple(exact(truth, towards(0.5))), [0.5, 1, 0.5]);
  expectTriple(triple(exact(truth, towards(2))), [-1, 1, 2]);
  expectTriple(triple(exact(truth, towards(-1))), [0, -1, -1]);
});

test("worked by hand: two groups, three ordered levels", () => {
  // CDFs (1, 1) and (0, 0): D = (1/4 + 1/4) / 2 = 1/4. Predicted (3/4, 3/4) and (1/4, 1/4): D = (1/16 + 1/16) / 2.
  const rows = exact(
    [
      [
        [1, 0, 0],
        [0, 0, 1],
      ],
    ],
    (_, g) => (g === 0 ? [0.75, 0, 0.25] : [0.25, 0, 0.75]),
  );
  expectTriple(triple(rows), [0.5, 1, 0.5]);
});

test("worked by hand: two groups, two nominal options", () => {
  // True: H(1/2) - 0 = log 2. Predicted (3/4, 1/4) and its mirror image: log 2 - H(1/4).
  const rows = exact(
    [
      [
        [1, 0],
        [0, 1],
      ],
    ],
    (_, g) => (g === 0 ? [0.75, 0.25] : [0.25, 0.75]),
    false,
  );
  const predicted = Math.log(2) + 0.75 * Math.log(0.75) + 0.25 * Math.log(0.25);
  const ratio = Math.sqrt(predicted / Math.log(2));
  expectTriple(triple(rows), [1 - ratio, 1, ratio]);
});

/** `people` answers by question and group, drawn from the truth, which is also predicted. */
function sampled(truth: number[][][], people: number, seed: number, ordered: boolean): Partial<PredictionRow>[] {
  const rng = new Rng(seed, "answers");
  return exact(truth, (q, g) => truth[q]![g]!, ordered).flatMap((cell) =>
    Array.from({ length: people }, () => ({ ...cell, target: null, answer: rng.choice(cell.target!) })),
  );
}

test.each([
  ["ordered", true, 15],
  ["nominal", false, 60],
])("MCI and beta of the truth are unbiased under sampling of answers, %s options", (_, ordered, people) => {
  const truth = truths(4, 3);
  const runs = Array.from({ length: 200 }, (_, seed) => triple(sampled(truth, people, seed, ordered)));
  for (const [i, expected] of [0, 1, 1].entries()) {
    const values = runs.map((run) => run[i]!);
    const centre = values.reduce((a, b) => a + b, 0) / values.length;
    const sd = Math.sqrt(values.reduce((a, b) => a + (b - centre) ** 2, 0) / (values.length - 1));
    // A mean of 200 lies within 3 standard errors; the square root's own bias is of the order of the variance.
    expect(Math.abs(centre - expected)).toBeLessThan((3 * sd) / Math.sqrt(values.length) + sd ** 2);
    expect(Math.abs(centre - expected)).toBeLessThan(0.03);
  }
});

test("the interval of sampled truth covers 0 about as often as it says, and is centred", () => {
  const truth = truths(4, 5);
  let covered = 0;
  let centre = 0;
  for (let seed = 0; seed < 40; seed++) {
    const table = tableOf(sampled(truth, 12, 1000 + seed, true));
    const { mci } = evaluate(table, { metrics: ["mci"], resamples: 200, seed });
    if (mci.low <= 0 && mci.high >= 0) covered++;
    centre += (mci.low + mci.high) / 2 - mci.value;
  }
  expect(covered).toBeGreaterThanOrEqual(33);
  expect(Math.abs(centre / 40)).toBeLessThan(0.03);
});

test("a group with one answer to a question is left out of it, and counted", () => {
  const truth = truths(3, 4).slice(0, 1);
  const rows = sampled(truth, 10, 1, true);
  const lone = { ...rows[0]!, profile: { country: "lone" } };
  const before = evaluate(tableOf(rows), { metrics: ["mci"], resamples: 0 }).mci;
  const after = evaluate(tableOf([...rows, lone]), { metrics: ["mci"], resamples: 0 }).mci;
  expect(after.value).toBeCloseTo(before.value, 12);
  expect(after.excluded).toEqual({ "cells with one answer": 1 });
});

test("MCI is at most 1 and does not depend on what groups are called", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e6 }),
      fc.integer({ min: 2, max: 6 }),
      fc.boolean(),
      (seed, options, ordered) => {
        const truth = truths(options, seed);
        const predicted = truths(options, seed + 1);
        const rows = exact(truth, (q, g) => predicted[q]![g]!, ordered);
        const found = triple(rows);
        expect(found[0]).toBeLessThanOrEqual(1);
        expect(Math.abs(found[1])).toBeLessThanOrEqual(1 + 1e-9);
        const renamed = rows.map((row) => ({
          ...row,
          profile: { country: `X${9 - Number(row.profile!["country"]!.slice(1))}` },
        }));
        expectTriple(triple(renamed.reverse()), found);
      },
    ),
    { numRuns: 30 },
  );
});
