import { describe, expect, test } from "vitest";
import { clustersOf } from "../../src/core/stats/index.ts";
import { evaluate } from "../../eval/predictions/evaluate.ts";
import { inputOf } from "../../eval/predictions/input.ts";
import { PredictedDispersion } from "../../eval/predictions/predictedDispersion.ts";
import type { PredictionRow } from "../../eval/predictions/predictionTable.ts";
import { Rng } from "../../src/core/util/index.ts";
import { tableOf } from "./support.ts";

/** People of four countries, six questions; predictions differ between people, and by `effect` between countries. */
function people(
  count: number,
  effect: number,
  seed: number,
  changes: Partial<PredictionRow> = {},
): Partial<PredictionRow>[] {
  const rng = new Rng(seed, "people");
  return Array.from({ length: count }, (_, p) => {
    // What is a person's own shows in all of that person's answers.
    const own = rng.normal();
    return Array.from({ length: 6 }, (_, q) => {
      const country = p % 4;
      const raw = [0, 1, 2].map((k) => Math.exp(0.5 * own * (k - 1) + effect * (((country + q) % 4) - 1.5) * (k - 1)));
      const sum = raw.reduce((a, b) => a + b, 0);
      return {
        questionId: `Q${q}`,
        participantId: `p${p}`,
        profile: { country: `C${country}` },
        answer: 0,
        probabilities: raw.map((x) => x / sum),
        ...changes,
      };
    });
  }).flat();
}

const p = (rows: readonly Partial<PredictionRow>[], permutations = 99, seed = 0): number =>
  evaluate(tableOf(rows), { metrics: [], permutations, seed }).dispersionP!.value;

describe.each([true, false])("dispersionP, ordered %s", (ordered) => {
  test("is the smallest there is where groups get predictions of their own", () => {
    expect(p(people(80, 0.5, 1, { ordered }))).toBe(0.01);
  });

  test("is below 0.1 in about a tenth of cases where they do not", () => {
    const found = Array.from({ length: 200 }, (_, seed) => p(people(24, 0, seed, { ordered }), 39, seed));
    const share = (level: number): number => found.filter((value) => value <= level).length / 200;
    // Deviations of 200 trials: 0.021 and 0.035.
    expect(Math.abs(share(0.1) - 0.1)).toBeLessThan(0.065);
    expect(Math.abs(share(0.5) - 0.5)).toBeLessThan(0.11);
  });

  test("permutes rows within a question where nobody is named", () => {
    const anonymous = { participantId: null, ordered };
    expect(p(people(80, 0.5, 1, anonymous))).toBe(0.01);
    // Questions differ, countries do not.
    const rows = people(80, 0, 2, anonymous).map((row, i) => {
      const shift = 0.1 * (i % 6);
      return { ...row, probabilities: row.probabilities!.map((x, k) => (1 - shift) * x + (k === 2 ? shift : 0)) };
    });
    expect(p(rows)).toBeGreaterThan(0.05);
  });

  test("equal seeds give equal numbers", () => {
    const rows = people(24, 0.05, 3, { ordered });
    expect(p(rows, 99, 1)).toBe(p(rows, 99, 1));
    expect(new Set([1, 2, 3, 4].map((seed) => p(rows, 99, seed))).size).toBeGreaterThan(1);
  });
});

test("the order of options matters to scales alone", () => {
  const shuffled = (ordered: boolean, seed: number): number[] => {
    const rows = people(24, 0.15, seed, { ordered });
    const other = rows.map((row) => {
      const [a, b, c] = row.probabilities!;
      return { ...row, probabilities: [b!, a!, c!] };
    });
    return [p(rows, 999), p(other, 999)];
  };
  for (const seed of [1, 2, 3]) {
    const [before, after] = shuffled(false, seed);
    expect(after).toBe(before);
    const [first, second] = shuffled(true, seed);
    expect(second).not.toBe(first);
  }
});

test("a person is permuted whole: answers of one person are not evidence of a group", () => {
  // Two people a country; what is their own makes countries differ, six times each.
  const found = Array.from({ length: 100 }, (_, seed) => p(people(8, 0, seed), 39, seed));
  const anonymous = Array.from({ length: 100 }, (_, seed) => p(people(8, 0, seed, { participantId: null }), 39, seed));
  const share = (values: number[]): number => values.filter((value) => value <= 0.1).length / 100;
  expect(share(found)).toBeLessThan(0.2);
  expect(share(anonymous)).toBeGreaterThan(0.3);
});

test("worked by hand: a third of the ways to give two groups to four people is as dispersed", () => {
  const rows = [0.9, 0.9, 0.1, 0.1].map((x, i) => ({
    participantId: `p${i}`,
    profile: { country: i < 2 ? "A" : "B" },
    probabilities: [x, 1 - x],
  }));
  expect(Math.abs(p(rows, 999) - 1 / 3)).toBeLessThan(0.06);
});

describe("says why where it does not apply", () => {
  const of = (rows: readonly Partial<PredictionRow>[]) =>
    evaluate(tableOf(rows), { metrics: [], permutations: 19 }).dispersionP!;

  test("one group", () => {
    const found = of(people(8, 1, 1, { profile: { country: "Japan" } }));
    expect(found).toMatchObject({ value: NaN, low: NaN, high: NaN, excluded: { "fewer than two groups": 48 } });
  });

  test("one row for each question and group: nothing varies within groups", () => {
    const found = of(people(4, 1, 1, { participantId: null }));
    expect(found).toMatchObject({ value: NaN, n: 24, excluded: { "permutations that change nothing": 19 } });
  });

  test("the same prediction for everybody is no dispersion: p is 1", () => {
    expect(of(people(8, 0, 1, { probabilities: [0.2, 0.3, 0.5] })).value).toBe(1);
  });

  test("rows without a group are counted", () => {
    const rows = people(8, 1, 1).map((row, i) => (i < 6 ? { ...row, profile: {} } : row));
    expect(of(rows)).toMatchObject({ n: 42, excluded: { "no country": 6 } });
  });

  test("it is there when asked for only", () => {
    expect(evaluate(tableOf(people(8, 1, 1)), { metrics: ["mci"], resamples: 0 })).not.toHaveProperty("dispersionP");
  });
});

test("takes memory by the rows that there are, not by groups times questions", () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => ({
    questionId: `Q${i}`,
    participantId: `p${i % 10_000}`,
    profile: { country: `C${i}` },
  }));
  expect(evaluate(tableOf(rows), { metrics: [], permutations: 2 }).dispersionP).toMatchObject({ n: 20_000 });
});

test("D(F_pred) is what its definition gives, however many options, groups and rows a question has", () => {
  const rng = new Rng(5, "dispersion");
  const options = [2, 5, 21, 3, 2, 9];
  const rows = Array.from({ length: 300 }, (_, i) => {
    const q = rng.below(i < 200 ? options.length : 2);
    const raw = Array.from({ length: options[q]! }, () => rng.uniform());
    const total = raw.reduce((a, b) => a + b, 0);
    return {
      questionId: `Q${q}`,
      participantId: `p${rng.below(120)}`,
      profile: { country: `C${rng.below(40)}` },
      ordered: q % 2 === 0,
      weight: rng.below(3),
      probabilities: raw.map((x) => x / total),
    };
  });
  const table = tableOf(rows);
  const input = inputOf(table, ["country"], [], "participant");
  const units = clustersOf(
    Int32Array.from(rows, (_, i) => i),
    rows.length,
  );
  const dispersion = new PredictedDispersion(input, units);
  const labels = Int32Array.from(rows, () => rng.below(input.groups.names.length));
  const expected = table.questions.reduce((sum, { options: { length: K }, ordered }, q) => {
    const mine = rows.flatMap((row, i) => (table.question[i] === q ? [{ ...row, group: labels[i]! }] : []));
    const shares = (of: typeof mine): { weight: number; p: number[] } => {
      const weight = of.reduce((w, row) => w + row.weight, 0);
      const p = Array.from({ length: K }, (_, k) => of.reduce((s, row) => s + row.weight * row.probabilities[k]!, 0));
      return { weight, p: p.map((x) => x / weight) };
    };
    const all = shares(mine);
    const apart = (p: number[]): number => {
      const cdf = (k: number): number => p.slice(0, k + 1).reduce((s, x, j) => s + x - all.p[j]!, 0);
      const terms = p.map((x, k) => (ordered ? (k < K - 1 ? cdf(k) ** 2 / (K - 1) : 0) : (x - all.p[k]!) ** 2 / 2));
      return terms.reduce((a, b) => a + b, 0);
    };
    const groups = [...new Set(mine.map(({ group }) => group))].map((g) => shares(mine.filter((r) => r.group === g)));
    return sum + groups.reduce((s, { weight, p }) => s + (weight > 0 ? (weight / all.weight) * apart(p) : 0), 0);
  }, 0);
  for (const found of dispersion.of([labels, labels])) expect(found).toBeCloseTo(expected, 12);
});
