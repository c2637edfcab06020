import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate } from "../../eval/predictions/evaluate.ts";
import { metrics, type MetricName } from "../../eval/metrics/index.ts";
import type { PredictionRow } from "../../eval/predictions/predictionTable.ts";
import { Rng } from "../../src/core/util/index.ts";
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
  // Squares: 1/4 of the true groups, 1/16 of the predicted ones, as of a scale of two levels.
  expectTriple(triple(rows), [0.5, 1, 0.5]);
  expectTriple(triple(rows.map((row) => ({ ...row, ordered: true }))), [0.5, 1, 0.5]);
  // Multi-information, true: H(1/2) - 0 = log 2. Predicted: log 2 - H(1/4).
  const predicted = Math.log(2) + 0.75 * Math.log(0.75) + 0.25 * Math.log(0.25);
  const { mciNominal } = evaluate(tableOf(rows), { metrics: ["mciNominal"], resamples: 0 });
  expect(mciNominal.value).toBeCloseTo(1 - Math.sqrt(predicted / Math.log(2)), 12);
});

describe("scales and nominal questions together", () => {
  const truth = truths(4, 8);
  const mixed = (predict: (q: number, g: number) => readonly number[]) =>
    exact(truth, predict).map((row) => ({ ...row, ordered: Number(row.questionId!.slice(1)) % 2 === 0 }));
  const marginals = truth.map(meanOf);

  test("halfway to the marginal: (0.5, 1, 0.5)", () => {
    expectTriple(triple(mixed((q, g) => truth[q]![g]!.map((p, k) => (p + marginals[q]![k]!) / 2))), [0.5, 1, 0.5]);
  });

  test("neither kind drowns the other", () => {
    const collapsed = (rest: number) => triple(mixed((q, g) => (q % 2 === rest ? marginals[q]! : truth[q]![g]!)))[0];
    expect(collapsed(0) / collapsed(1)).toBeGreaterThan(0.4);
    expect(collapsed(0) / collapsed(1)).toBeLessThan(2.5);
  });

  test("mciNominal looks at the nominal ones alone, and counts the others", () => {
    const rows = mixed((q, g) => (q % 2 === 0 ? marginals[q]! : truth[q]![g]!));
    const found = evaluate(tableOf(rows), { metrics: ["mciNominal"], resamples: 0 }).mciNominal;
    expect(found).toMatchObject({ n: 36, excluded: { "options are a scale": 36 } });
    expect(found.value).toBeCloseTo(0, 9);
    const scales = evaluate(tableOf(exact(truth, () => truth[0]![0]!)), { metrics: ["mciNominal"], resamples: 9 });
    expect(scales.mciNominal).toMatchObject({ value: NaN, low: NaN, n: 0, excluded: { "options are a scale": 72 } });
  });
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
  ["nominal", false, 15],
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

describe("intervals of sampled truth", () => {
  const truth = truths(4, 5);
  const marginals = truth.map(meanOf);
  /** Halfway to the marginal: MCI 0.5, rho 1, beta 0.5. */
  const half = (q: number, g: number): number[] => truth[q]![g]!.map((p, k) => (p + marginals[q]![k]!) / 2);

  /** People who answer every question. */
  function survey(people: number, seed: number): Partial<PredictionRow>[] {
    const rng = new Rng(seed, "survey");
    return Array.from({ length: 6 * people }, (_, p) =>
      truth.map((groups, q) => ({
        questionId: `Q${q}`,
        participantId: `p${p}`,
        profile: { country: `C${p % 6}` },
        answer: rng.choice(groups[p % 6]!),
        probabilities: half(q, p % 6),
      })),
    ).flat();
  }

  test.each([12, 40])(
    "values are unbiased, and 95% intervals cover the truth about as often, %d people a group",
    (people) => {
      const expected = { mci: 0.5, rho: 1, beta: 0.5 };
      const found = { mci: [] as number[], rho: [] as number[], beta: [] as number[] };
      const covered = { mci: 0, rho: 0, beta: 0 };
      for (let seed = 0; seed < 200; seed++) {
        const results = evaluate(tableOf(survey(people, seed)), { metrics: TRIPLE, resamples: 200, seed });
        for (const name of TRIPLE) {
          const { value, low, high } = results[name];
          expect(low).toBeLessThanOrEqual(value);
          expect(high).toBeGreaterThanOrEqual(value);
          found[name].push(value);
          if (low <= expected[name] && high >= expected[name]) covered[name]++;
        }
      }
      for (const name of TRIPLE) {
        const centre = found[name].reduce((sum, value) => sum + value, 0) / 200;
        const sd = Math.sqrt(found[name].reduce((sum, value) => sum + (value - centre) ** 2, 0) / 199);
        expect(Math.abs(centre - expected[name]), `${name} ${centre}`).toBeLessThan((3 * sd) / Math.sqrt(200));
        // 190 expected, with a deviation of 3.
        expect(covered[name], name).toBeGreaterThanOrEqual(180);
      }
    },
  );

  test("known case: where cells are small, resampled values lie beside the value, and the interval does not", () => {
    const rows = survey(3, 1);
    for (const [name, { value, low, high }] of Object.entries(evaluate(tableOf(rows), { resamples: 200 }))) {
      if (Number.isNaN(value)) expect([low, high], name).toEqual([NaN, NaN]);
      else {
        expect(low, name).toBeLessThanOrEqual(value);
        expect(high, name).toBeGreaterThanOrEqual(value);
      }
    }
  });
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

test("what all weigh the same does not matter; what some weigh more does", () => {
  const rows = sampled(truths(3, 4), 5, 1, true);
  const weighted = (of: (i: number) => number) => triple(rows.map((row, i) => ({ ...row, weight: of(i) })));
  expectTriple(
    weighted(() => 3),
    triple(rows),
  );
  // A person of weight 2 counts as two in shares, as less than two in what is known.
  expect(weighted((i) => 1 + (i % 2))[0]).not.toBeCloseTo(triple(rows)[0], 3);
  // Answers and exact targets in one cell: the noise is that of the answers' share.
  const targets = rows.map((row, i) => (i % 2 ? row : { ...row, target: row.probabilities! }));
  expect(Math.abs(triple(targets)[0])).toBeLessThan(Math.abs(triple(rows)[0]) + 0.1);
});

test("skill: 100 of the truth, 0 of the uniform distribution, cells of uniform truth left out", () => {
  const skill = (targets: number[][], probabilities: (target: number[]) => number[]) =>
    evaluate(
      tableOf(
        targets.map((target, g) => ({ profile: { country: `C${g}` }, target, probabilities: probabilities(target) })),
      ),
      { metrics: ["skill"], resamples: 0 },
    ).skill;
  const targets = [
    [0.7, 0.2, 0.1],
    [0.1, 0.1, 0.8],
  ];
  const uniform = [1 / 3, 1 / 3, 1 / 3];
  expect(skill(targets, (target) => target).value).toBe(100);
  expect(skill(targets, () => uniform).value).toBeCloseTo(0, 9);
  // TV 0.8 and 0.9 against the uniform distribution's 11/30 and 14/30.
  const hit = skill(targets, (target) => target.map((_, k) => Number(k === 1)));
  expect(hit.value).toBeCloseTo((100 * (1 - 0.8 / (11 / 30)) + 100 * (1 - 0.9 / (14 / 30))) / 2, 9);
  const some = skill([...targets, uniform], () => [1, 0, 0]);
  expect(some).toMatchObject({
    value: skill(targets, () => [1, 0, 0]).value,
    excluded: { "cells whose truth is uniform": 1 },
  });
  expect(skill([uniform], () => [1, 0, 0]).value).toBeNaN();
});

describe("groups that do not differ", () => {
  /** Everybody answers by one distribution; predictions differ by group. `alike`: how often a person repeats an answer. */
  function survey(seed: number, alike: number, ordered: boolean): Partial<PredictionRow>[] {
    const rng = new Rng(seed, "null");
    const predicted = truths(4, 6);
    return Array.from({ length: 120 }, (_, p) => {
      const usual = rng.below(4);
      return predicted.map((groups, q) => ({
        questionId: `Q${q}`,
        participantId: `p${p}`,
        profile: { country: `C${p % 6}` },
        answer: rng.uniform() < alike ? usual : rng.below(4),
        probabilities: groups[p % 6]!,
        ordered,
      }));
    }).flat();
  }

  test.each([
    ["answers of their own", 0, true, 10],
    ["answers of their own, nominal", 0, false, 10],
    ["people who often answer alike, whose questions are not independent", 0.5, true, 20],
  ])("nearly always undefined, and says why: %s", (_, alike, ordered, atMost) => {
    const names = [...TRIPLE, ...(ordered ? [] : ["mciNominal" as const])];
    const defined = names.map(() => 0);
    for (let seed = 0; seed < 200; seed++) {
      const found = evaluate(tableOf(survey(seed, alike, ordered)), { metrics: names, resamples: 0 });
      for (const [i, name] of names.entries()) {
        if (!Number.isNaN(found[name].value)) defined[i]!++;
        else {
          const why = "questions whose true groups, taken together, do not differ beyond sampling noise";
          expect(found[name].excluded).toEqual({ [why]: 12 });
        }
      }
    }
    for (const count of defined) expect(count).toBeLessThanOrEqual(atMost);
  });

  test.each([true, false])("worked by hand: two groups of 20 answers to two options, a scale: %s", (ordered) => {
    // D - noise is 0.0165 of 13 and 7 answers, 0.0249 of 14 and 7; twice the standard error is 0.0169 and 0.0163.
    const found = (first: number) =>
      evaluate(
        tableOf(
          [first, 7].flatMap((ones, g) =>
            Array.from({ length: 20 }, (_, i) => ({
              ...{ profile: { country: `C${g}` }, answer: Number(i < ones), ordered },
              probabilities: g === 0 ? [0.25, 0.75] : [0.75, 0.25],
            })),
          ),
        ),
        { metrics: ["mci", "mciNominal"], resamples: 0 },
      );
    expect(found(13).mci.value).toBeNaN();
    expect(found(14).mci.value).toBeLessThan(0);
    if (ordered) return;
    expect(found(13).mciNominal.value).toBeNaN();
    expect(found(14).mciNominal.value).toBeLessThan(0);
  });

  test("no interval either", () => {
    for (const result of Object.values(evaluate(tableOf(survey(0, 0, true)), { metrics: TRIPLE, resamples: 50 }))) {
      expect(result).toMatchObject({ value: NaN, low: NaN, high: NaN });
    }
  });
});

test("one group: undefined, and says why", () => {
  const rows = sampled(truths(3, 4), 10, 1, true).map((row) => ({ ...row, profile: { country: "C1" } }));
  for (const result of Object.values(evaluate(tableOf(rows), { metrics: TRIPLE, resamples: 20 }))) {
    expect(result).toMatchObject({ value: NaN, low: NaN, high: NaN, n: 720 });
    expect(result.excluded).toMatchObject({ "questions with fewer than two groups": 12 });
  }
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

test("the nearer predictions are to the marginal, the larger MCI and the smaller beta", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), fc.boolean(), share, share, (seed, ordered, a, b) => {
      const truth = truths(4, seed);
      const predicted = truths(4, seed + 1);
      const [near, far] = [a, b]
        .sort((x, y) => x - y)
        .map((mix) =>
          triple(
            exact(
              truth,
              (q, g) => {
                const marginal = meanOf(predicted[q]!);
                return predicted[q]![g]!.map((p, k) => (1 - mix) * p + mix * marginal[k]!);
              },
              ordered,
            ),
          ),
        );
      expect(far![0]).toBeGreaterThanOrEqual(near![0] - 1e-9);
      if (Number.isNaN(far![1])) expect(far![2]).toBeCloseTo(0, 6);
      else expect(far![1]).toBeCloseTo(near![1], 6);
      expect(Math.abs(far![2])).toBeLessThanOrEqual(Math.abs(near![2]) + 1e-9);
    }),
    { numRuns: 60 },
  );
});

test("every metric stays in its range, and none but those of attributes' names depends on what groups are called", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e6 }),
      fc.integer({ min: 2, max: 5 }),
      fc.boolean(),
      (seed, options, ordered) => {
        const rows = sampled(truths(options, seed), 3, seed, ordered).map((row, i) => ({
          ...row,
          exampleId: String(i),
          participantId: `p${i % 3}`,
          probabilities: truths(options, seed + 1 + (i % 5))[i % 12]![i % 6]!,
        }));
        const found = evaluate(tableOf(rows), { resamples: 20 });
        for (const [name, { value, low, high }] of Object.entries(found)) {
          if (Number.isNaN(value)) expect([low, high], name).toEqual([NaN, NaN]);
          else if (Number.isNaN(low) || Number.isNaN(high)) expect([low, high], name).toEqual([NaN, NaN]);
          const [least, most] = metrics[name as MetricName].range;
          for (const number of [value, low, high].filter((x) => !Number.isNaN(x))) {
            expect(number, name).toBeGreaterThanOrEqual(least - 1e-9);
            expect(number, name).toBeLessThanOrEqual(most + 1e-9);
          }
        }
        const renamed = rows.map((row) => ({
          ...row,
          profile: { country: `X ${9 - Number(row.profile!["country"]!.slice(1))}` },
        }));
        const other = evaluate(tableOf(renamed), { resamples: 20 });
        for (const [name, { value, low, high }] of Object.entries(found)) {
          const again = other[name as MetricName];
          for (const [x, y] of [
            [value, again.value],
            [low, again.low],
            [high, again.high],
          ] as const) {
            if (Number.isNaN(x)) expect(y).toBeNaN();
            else expect(y, name).toBeCloseTo(x, 9);
          }
        }
      },
    ),
    { numRuns: 20 },
  );
});

const real = new URL("../../../shared/data/globalopinionqa/distributions.json", import.meta.url);

/**
 * Country distributions of GlobalOpinionQA. Options stand in the file's order, which is taken for a scale, "Don't know"
 * and "Refused" among them as the last levels; distributions of sum 0 are left out, the others divided by their sum
 * (0.97 to 1.03, rounded percentages); a question needs four countries.
 */
function opinions(): { question: string; country: string; p: number[] }[] {
  const rows = (
    JSON.parse(readFileSync(real, "utf8")) as { question: string; country: string; distribution: number[] }[]
  ).flatMap(({ question, country, distribution }) => {
    const sum = distribution.reduce((a, b) => a + b, 0);
    return sum > 0 ? [{ question, country, p: distribution.map((x) => x / sum) }] : [];
  });
  const countries = new Map<string, number>();
  for (const { question } of rows) countries.set(question, (countries.get(question) ?? 0) + 1);
  return rows.filter(({ question }) => countries.get(question)! >= 4);
}

describe.skipIf(!existsSync(real))("real country distributions (GlobalOpinionQA)", () => {
  const data = existsSync(real) ? opinions() : [];
  const byQuestion = new Map<string, number[][]>();
  for (const { question, p } of data) byQuestion.set(question, [...(byQuestion.get(question) ?? []), p]);
  const predict = (of: (p: number[], marginal: number[], i: number) => number[], ordered = true) =>
    evaluate(
      tableOf(
        data.map(({ question, country, p }, i) => ({
          questionId: question,
          participantId: null,
          profile: { country },
          answer: null,
          target: p,
          probabilities: of(p, meanOf(byQuestion.get(question)!), i),
          ordered,
        })),
      ),
      { metrics: [...TRIPLE, "mciNominal", "emdProb", "groupEmd"], resamples: 0 },
    );
  const found = (result: ReturnType<typeof predict>) => TRIPLE.map((name) => result[name].value);

  test("what is known of them", () => {
    expect([byQuestion.size, data.length]).toEqual([296, 1960]);
    expectTriple(found(predict((p) => p)), [0, 1, 1]);
    expectTriple(found(predict((p, marginal) => p.map((x, k) => (x + marginal[k]!) / 2))), [0.5, 1, 0.5]);
    const collapsed = predict((_, marginal) => marginal);
    expectTriple(found(collapsed), [1, NaN, 0]);
    expect(collapsed.emdProb.value).toBeCloseTo(0, 9);
    expect(collapsed.groupEmd.value).toBeGreaterThan(0.05);
  });

  test("the argmax of the truth exaggerates: numpy's numbers", () => {
    const argmax = (p: number[]): number[] => p.map((_, k) => Number(k === p.indexOf(Math.max(...p))));
    const values = found(predict(argmax));
    for (const [i, expected] of [-1.213, 0.701, 1.551].entries()) expect(values[i]).toBeCloseTo(expected, 3);
  });

  test("shuffled countries are as spread as the truth, in no direction", () => {
    const rng = new Rng(0, "shuffle");
    const shuffled = new Map([...byQuestion].map(([question, ps]) => [question, rng.shuffle([...ps])]));
    const result = predict((_, __, i) => shuffled.get(data[i]!.question)!.pop()!);
    expect(result.mci.value).toBeCloseTo(0, 9);
    expect(Math.abs(result.rho.value)).toBeLessThan(0.1);
    expect(result.emdProb.value).toBeCloseTo(0, 9);
  });

  test("nominal: the truth, its marginal and the way between", () => {
    expectTriple(found(predict((p) => p, false)), [0, 1, 1]);
    expectTriple(found(predict((_, marginal) => marginal, false)), [1, NaN, 0]);
    const half = predict((p, marginal) => p.map((x, k) => (x + marginal[k]!) / 2), false);
    expectTriple(found(half), [0.5, 1, 0.5]);
    // Entropy is no square: halfway is a little more than half.
    expect(half.mciNominal.value).toBeGreaterThan(0.5);
    expect(half.mciNominal.value).toBeLessThan(0.56);
  });
});
