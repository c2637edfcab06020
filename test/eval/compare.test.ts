import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compare, compareAccuracy } from "../../eval/predictions/compare.ts";
import { evaluate } from "../../eval/predictions/evaluate.ts";
import type { MetricName } from "../../eval/metrics/index.ts";
import type { PredictionRow } from "../../eval/predictions/predictionTable.ts";
import { benjaminiHochberg, mcnemar } from "../../src/core/stats/index.ts";
import { Rng } from "../../src/core/util/index.ts";
import { goldenJson } from "../support/golden.ts";
import { tableOf } from "./support.ts";

const golden = goldenJson("metrics.json") as {
  mcnemar: { onlyA: number; onlyB: number; p: number }[];
  adjusted: { p: number[]; adjusted: number[] }[];
};

test.each(golden.mcnemar)("mcnemar equals scipy's binomial test: $onlyA and $onlyB", ({ onlyA, onlyB, p }) => {
  expect(Math.abs(mcnemar(onlyA, onlyB).p - p)).toBeLessThan(1e-9);
  expect(mcnemar(onlyB, onlyA).p).toBe(mcnemar(onlyA, onlyB).p);
});

test.each(golden.adjusted)("benjaminiHochberg equals scipy's, case %#", ({ p, adjusted }) => {
  for (const [i, value] of benjaminiHochberg(p).entries()) expect(value).toBeCloseTo(adjusted[i]!, 12);
  const withGaps = benjaminiHochberg([NaN, ...p, NaN]);
  expect(withGaps[0]).toBeNaN();
  expect(withGaps.slice(1, -1)).toEqual(benjaminiHochberg(p));
});

test("adjusted p-values are never smaller, keep the order, and are at most 1", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }), (ps) => {
      const adjusted = benjaminiHochberg(ps);
      for (const [i, p] of ps.entries()) {
        expect(adjusted[i]).toBeGreaterThanOrEqual(p);
        expect(adjusted[i]).toBeLessThanOrEqual(1);
        for (const [j, q] of ps.entries()) if (p <= q) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j]!);
      }
    }),
  );
});

/** 60 people of three countries, five questions; a prediction puts `skill` more on the answer, as far as the person is easy. */
function run(skill: number, seed: number, changes: Partial<PredictionRow> = {}): Partial<PredictionRow>[] {
  const answers = new Rng(seed, "answers");
  const noise = new Rng(seed, "noise", skill);
  return Array.from({ length: 60 }, (_, p) => {
    const easy = answers.uniform();
    return Array.from({ length: 5 }, (_, q) => {
      const answer = answers.below(3);
      const raw = [0, 1, 2].map((k) => Math.exp(0.3 * noise.normal() + (k === answer ? skill * easy : 0)));
      const sum = raw.reduce((a, b) => a + b, 0);
      return {
        exampleId: `p${p}-q${q}`,
        questionId: `Q${q}`,
        participantId: `p${p}`,
        profile: { country: `C${p % 3}` },
        answer,
        probabilities: raw.map((x) => x / sum),
        ...changes,
      };
    });
  }).flat();
}

describe("compare", () => {
  const [a, b] = [tableOf(run(2, 1)), tableOf(run(0, 1))];
  const found = compare(a, b, { resamples: 400 });

  test("values are those of evaluate, differences theirs", () => {
    const [ofA, ofB] = [a, b].map((table) => evaluate(table, { resamples: 0 }));
    for (const name of Object.keys(found) as MetricName[]) {
      expect(found[name]).toMatchObject({ a: ofA![name].value, b: ofB![name].value, n: ofA![name].n });
      expect(found[name].difference).toBe(ofA![name].value - ofB![name].value);
      if (Number.isNaN(found[name].difference)) {
        expect(found[name], name).toMatchObject({ low: NaN, high: NaN, p: NaN, pAdjusted: NaN });
        continue;
      }
      expect(found[name].low).toBeLessThanOrEqual(found[name].difference);
      expect(found[name].high).toBeGreaterThanOrEqual(found[name].difference);
      expect(found[name].pAdjusted).toBeGreaterThanOrEqual(found[name].p);
    }
    expect(found.accuracy.p).toBe(1 / 401);
    expect(found.nll.difference).toBeLessThan(0);
  });

  test("the order of rows does not matter, and equal seeds give equal numbers", () => {
    const shuffled = tableOf(new Rng(5).shuffle(run(0, 1)));
    expect(compare(a, shuffled, { resamples: 400 })).toEqual(found);
    expect(compare(a, b, { resamples: 400, seed: 1 }).nll.low).not.toBe(found.nll.low);
  });

  test("rows of questions with different numbers of options are matched as well", () => {
    const mixed = (seed: number): Partial<PredictionRow>[] =>
      run(1, seed).map((row, i) =>
        i % 5 < 2 ? { ...row, answer: row.answer! % 2, probabilities: [0.1 + 0.002 * i, 0.9 - 0.002 * i] } : row,
      );
    const [first, second] = [mixed(1), mixed(1)];
    const rng = new Rng(1);
    const other = compare(tableOf(first), tableOf(rng.shuffle(second)), { resamples: 0 });
    for (const [name, { a, difference }] of Object.entries(other))
      expect(difference, name).toBe(Number.isNaN(a) ? NaN : 0);
  });

  test("the other way round is the same with another sign", () => {
    const back = compare(b, a, { resamples: 400 });
    expect(back.nll).toMatchObject({
      a: found.nll.b,
      b: found.nll.a,
      difference: -found.nll.difference,
      p: found.nll.p,
    });
    expect(back.nll.low).toBeCloseTo(-found.nll.high, 9);
  });

  test("a lower level gives a shorter interval", () => {
    const { low, high } = compare(a, b, { resamples: 400, level: 0.5, metrics: ["nll"] }).nll;
    expect(high - low).toBeLessThan(0.6 * (found.nll.high - found.nll.low));
  });

  test("the same predictions do not differ", () => {
    for (const [name, { difference, p, low, high }] of Object.entries(compare(a, a, { resamples: 50 }))) {
      expect([difference, low, high, p], name).toEqual(Number.isNaN(difference) ? [NaN, NaN, NaN, NaN] : [0, 0, 0, 1]);
    }
  });

  test("draws are shared: what both predictions have in common does not widen the interval", () => {
    const width = ({ low, high }: { low: number; high: number }): number => high - low;
    // The accuracy of both depends on how easy the people are that are drawn.
    const nearly = tableOf(run(2, 1).map((row, i) => (i === 0 ? { ...row, probabilities: [0.3, 0.3, 0.4] } : row)));
    const alone = evaluate(a, { metrics: ["accuracy"], resamples: 400 }).accuracy;
    expect(width(compare(a, nearly, { metrics: ["accuracy"], resamples: 400 }).accuracy)).toBeLessThan(
      width(alone) / 5,
    );
  });

  test("p is below 0.1 in about a tenth of cases where there is no difference", () => {
    let below = 0;
    for (let seed = 0; seed < 200; seed++) {
      const [first, second] = [run(0, seed), run(0, seed + 1000)];
      const other = first.map((row, i) => ({ ...row, probabilities: second[i]!.probabilities! }));
      if (compare(tableOf(first), tableOf(other), { metrics: ["nll"], resamples: 99, seed }).nll.p <= 0.1) below++;
    }
    expect(below).toBeGreaterThanOrEqual(8);
    expect(below).toBeLessThanOrEqual(35);
  });

  test("undefined metrics are NaN and no test", () => {
    const [x, y] = [tableOf(run(2, 1, { answer: null })), tableOf(run(0, 1, { answer: null }))];
    const { accuracy } = compare(x, y, { resamples: 20 });
    expect(accuracy).toEqual({ a: NaN, b: NaN, difference: NaN, low: NaN, high: NaN, p: NaN, pAdjusted: NaN, n: 0 });
    expect(compare(a, b, { resamples: 0, metrics: ["nll"] }).nll).toMatchObject({ low: NaN, p: NaN, pAdjusted: NaN });
  });
});

describe("compareAccuracy", () => {
  test("counts answers that only one got right", () => {
    const row = (answer: number | null, p: number): Partial<PredictionRow> => ({ answer, probabilities: [1 - p, p] });
    const a = tableOf([row(1, 0.9), row(1, 0.9), row(0, 0.9), row(0, 0.1), row(null, 0.9)]);
    const b = tableOf([row(1, 0.1), row(1, 0.8), row(0, 0.2), row(0, 0.2), row(null, 0.1)]);
    expect(compareAccuracy(a, b)).toEqual({ onlyA: 1, onlyB: 1, p: 1 });
  });
});

describe("refuses what cannot be compared, naming the first example", () => {
  const rows = run(1, 3);
  const [a, at] = [tableOf(rows), 7];
  const target = [0.2, 0.3, 0.5];
  const changes: Record<string, [Partial<PredictionRow>, string]> = {
    answer: [{ answer: (rows[at]!.answer! + 1) % 3 }, "answer"],
    target: [{ target }, "whether there is a target"],
    weight: [{ weight: 2 }, "weight"],
    participant: [{ participantId: "somebody" }, "participant"],
    group: [
      { profile: { country: "C9" } },
      'country: expected the same in both predictions, found "C1" in the first predictions and "C9" in the second predictions',
    ],
    "no group": [{ profile: {} }, "country"],
    question: [{ questionId: "Q0" }, "question"],
  };
  test.each(Object.entries(changes))("%s", (_, [change, says]) => {
    const b = tableOf(rows.map((row, i) => (i === at ? { ...row, ...change } : row)));
    expect(() => compare(a, b, { resamples: 0 })).toThrow(`example "p1-q2": ${says}`);
    expect(() => compareAccuracy(a, b)).toThrow(`example "p1-q2": ${says}`);
  });

  test("targets and options", () => {
    const with3 = tableOf(rows.map((row) => ({ ...row, target })));
    const other = tableOf(rows.map((row, i) => ({ ...row, target: i === at ? [0.3, 0.2, 0.5] : target })));
    expect(() => compare(with3, other)).toThrow(
      'example "p1-q2": target[0]: expected the same in both predictions, found 0.2 in the first predictions and 0.3 in the second predictions',
    );
    const options = tableOf(rows.map((row) => (row.questionId === "Q2" ? { ...row, options: ["x", "y", "z"] } : row)));
    expect(() => compare(a, options)).toThrow('example "p0-q2": options');
    const nominal = tableOf(rows.map((row) => ({ ...row, ordered: false })));
    expect(() => compare(a, nominal)).toThrow('example "p0-q0": ordered');
  });

  test("an attribute that is not used may differ", () => {
    const other = tableOf(
      rows.map((row, i) => ({ ...row, profile: { ...row.profile, age: i < 5 ? "old" : "young" } })),
    );
    expect(() => compare(a, other, { by: ["country"], attributes: ["country"], resamples: 0 })).not.toThrow();
    expect(() => compare(other, a, { by: ["country"], resamples: 0 })).toThrow("age: expected the same");
  });

  test("examples that only one has, unless they are to be left out", () => {
    const [first, second] = [tableOf(rows.slice(0, 290)), tableOf(rows.slice(5))];
    expect(() => compare(first, a)).toThrow('example "p58-q0": is in the second predictions only');
    expect(() => compare(a, second)).toThrow(
      'example "p0-q0": is in the first predictions only; expected the same examples in the second predictions',
    );
    expect(compare(first, second, { intersect: true, resamples: 0 }).nll.n).toBe(285);
    expect(() => compare(first, tableOf(rows.slice(290)), { intersect: true })).toThrow("none is in both");
  });

  test("names the sources that are given", () => {
    const options = { sources: ["a.csv", "b.csv"], resamples: 0 } as const;
    const few = tableOf(rows.slice(5));
    const only = 'example "p0-q0": is in a.csv only; expected the same examples in b.csv';
    expect(() => compare(a, few, options)).toThrow(only);
    expect(() => compareAccuracy(a, few, options)).toThrow(only);
    expect(() => compare(few, a, options)).toThrow("is in b.csv only; expected the same examples in a.csv");
    const weighted = tableOf(rows.map((row, i) => (i === at ? { ...row, weight: 2 } : row)));
    expect(() => compare(a, weighted, options)).toThrow("found 1 in a.csv and 2 in b.csv");
    expect(() => compare(tableOf(rows.slice(0, 5)), few, { ...options, intersect: true })).toThrow(
      "expected predictions of the same examples; none is in both a.csv and b.csv",
    );
  });
});
