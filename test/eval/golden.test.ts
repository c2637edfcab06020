import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { evaluate } from "../../eval/predictions/evaluate.ts";
import { emd, kl, variation, wasserstein1, type MetricName } from "../../eval/metrics/index.ts";
import { entropy, jsd } from "../../src/core/stats/index.ts";
import { tableOf } from "./support.ts";

interface Golden {
  wasserstein: { valuesA: number[]; weightsA: number[]; valuesB: number[]; weightsB: number[]; distance: number }[];
  distributions: (Record<"entropy" | "kl" | "jsd" | "variation" | "emd", number> & { p: number[]; q: number[] })[];
  table: {
    options: number[];
    participant: number[];
    country: number[];
    question: number[];
    answer: number[];
    probabilities: number[][];
    expected: Partial<Record<MetricName, number>>;
  };
  dispersions: {
    ordered: boolean;
    group: number[];
    question: number[];
    answer: number[];
    weight: number[];
    probabilities: number[][];
    expected: Partial<Record<MetricName, number>>;
  }[];
  /** By question, the probabilities of each person. */
  permutation: { group: number[]; weight: number[]; probabilities: number[][][]; share: number };
}

const golden = JSON.parse(readFileSync(new URL("../fixtures/golden/metrics.json", import.meta.url), "utf8")) as Golden;

function expectClose(found: number, expected: number): void {
  if (Number.isNaN(expected)) expect(found).toBeNaN();
  else expect(Math.abs(found - expected), `${found} against ${expected}`).toBeLessThan(1e-9);
}

test.each(golden.wasserstein)("wasserstein1 equals scipy's, case %#", (c) => {
  expectClose(wasserstein1(c.valuesA, c.weightsA, c.valuesB, c.weightsB), c.distance);
});

test.each(golden.distributions)("functions of distributions equal scipy's, case %#", ({ p, q, ...expected }) => {
  expectClose(entropy(p), expected.entropy);
  expectClose(kl(p, q), expected.kl);
  expectClose(jsd(p, q), expected.jsd);
  expectClose(variation(p, q), expected.variation);
  expectClose(emd(p, q), expected.emd);
});

describe("evaluate equals scipy, scikit-learn and WorldValuesBench's evaluate.py", () => {
  const { table } = golden;
  const predictions = tableOf(
    table.answer.map((answer, i) => ({
      questionId: `Q${table.question[i]!}`,
      participantId: `P${table.participant[i]!}`,
      profile: { country: `C${table.country[i]!}` },
      answer,
      probabilities: table.probabilities[i]!,
    })),
  );
  const found = evaluate(predictions, { resamples: 0 });
  test.each(Object.entries(table.expected))("%s", (name, expected) => {
    expectClose(found[name as MetricName].value, expected);
    expect(found[name as MetricName].n).toBe(table.answer.length);
  });
  test("also with clusters of questions", () => {
    const byQuestion = evaluate(predictions, { resamples: 0, cluster: "question" });
    for (const name of Object.keys(found) as MetricName[]) expectClose(byQuestion[name].value, found[name].value);
  });
});

describe.each(golden.dispersions)("differences between groups equal numpy's, case %#", (of) => {
  const predictions = tableOf(
    of.answer.map((answer, i) => ({
      questionId: `Q${of.question[i]!}`,
      participantId: null,
      profile: { country: `C${of.group[i]!}` },
      ordered: of.ordered,
      answer,
      weight: of.weight[i]!,
      probabilities: of.probabilities[i]!,
    })),
  );
  const found = evaluate(predictions, { resamples: 0 });
  test.each(Object.entries(of.expected))("%s", (name, expected) => {
    expectClose(found[name as MetricName].value, expected);
  });
});

test("dispersionP is the share of all assignments of groups, as far as permutations are drawn", () => {
  const { group, weight, probabilities, share } = golden.permutation;
  const predictions = tableOf(
    probabilities.flatMap((people, q) =>
      people.map((of, person) => ({
        questionId: `Q${q}`,
        participantId: `P${person}`,
        profile: { country: `C${group[person]!}` },
        weight: weight[person]!,
        probabilities: of,
      })),
    ),
  );
  const permutations = 20_000;
  const found = evaluate(predictions, { metrics: [], resamples: 0, permutations }).dispersionP!.value;
  expect(Math.abs(found - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / permutations));
});

test("the metric kl mixes predictions with 1e-6 of the uniform distribution", () => {
  const table = tableOf([{ probabilities: [1, 0], target: [0.5, 0.5] }]);
  const found = evaluate(table, { metrics: ["kl"], resamples: 0 }).kl.value;
  expect(found).toBeCloseTo((Math.log(0.5 / (1 - 5e-7)) + Math.log(0.5 / 5e-7)) / 2, 12);
});
