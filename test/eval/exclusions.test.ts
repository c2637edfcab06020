import { expect, test } from "vitest";
import { evaluate } from "../../eval/predictions/evaluate.ts";
import type { PredictionRow } from "../../eval/predictions/predictionTable.ts";
import { tableOf } from "./support.ts";

test("worked by hand: what each metric leaves out is counted, by reason, and not among its rows", () => {
  const times = (n: number, of: (i: number) => Partial<PredictionRow>): Partial<PredictionRow>[] =>
    Array.from({ length: n }, (_, i) => of(i));
  const country = (c: number): Partial<PredictionRow> => ({ profile: { country: `C${c}` } });
  const [scale, list, few] = [{ questionId: "scale" }, { questionId: "list", ordered: false }, { questionId: "few" }];
  const table = tableOf([
    ...times(12, (i) => ({ ...scale, ...country(i % 2), participantId: `p${i}`, answer: i % 3 === 0 ? 0 : 1 })),
    { ...scale, ...country(0), answer: null },
    { ...scale, ...country(1), answer: null, target: [0.5, 0.5] },
    ...times(2, () => ({ ...scale, profile: {} })),
    ...times(3, () => ({ ...list, ...country(0) })),
    { ...list, ...country(0), answer: null },
    // Two answers of one group and one of another, which by itself has no known noise.
    ...[0, 0, 1].map((c) => ({ ...few, ...country(c) })),
  ]);
  const found = evaluate(table, { resamples: 0 });
  const noAnswer = { "no answer": 3 };
  const noTruth = { "no answer and no target": 2 };
  const noCountry = { "no country": 2 };
  const expected: Partial<Record<keyof typeof found, { n: number; excluded: Record<string, number> }>> = {
    accuracy: { n: 20, excluded: noAnswer },
    macroF1: { n: 20, excluded: noAnswer },
    nll: { n: 20, excluded: noAnswer },
    ece: { n: 20, excluded: noAnswer },
    countryMacroAccuracy: { n: 18, excluded: { ...noAnswer, ...noCountry } },
    sigmaInequity: { n: 18, excluded: { ...noAnswer, "no attribute": 2 } },
    worstGroup: { n: 0, excluded: { ...noAnswer, ...noCountry, "group of fewer than 30 rows": 18 } },
    emdProb: { n: 18, excluded: { ...noTruth, "options are no scale": 3 } },
    emdArgmax: { n: 18, excluded: { ...noTruth, "options are no scale": 3 } },
    entropyRatio: { n: 21, excluded: noTruth },
    groupEmd: { n: 19, excluded: { ...noTruth, ...noCountry } },
    mci: {
      n: 19,
      excluded: {
        ...noTruth,
        ...noCountry,
        "cells with one answer": 1,
        "questions with fewer than two groups": 2,
        "questions whose true groups, taken together, do not differ beyond sampling noise": 1,
      },
    },
  };
  for (const [name, result] of Object.entries(expected)) {
    expect(found[name as keyof typeof expected], name).toMatchObject(result);
    expect(found[name as keyof typeof expected]!.excluded, name).toEqual(result.excluded);
  }
});

test("rows that have some of a grouping's attributes have no group", () => {
  const profiles = [
    { country: "A", religion: "x" },
    { country: "B", religion: "x" },
    { country: "A" },
    { religion: "x" },
  ];
  const table = tableOf([...profiles, {}].map((profile) => ({ profile })));
  const { groupEmd } = evaluate(table, { by: ["country", "religion"], resamples: 0 });
  expect(groupEmd).toMatchObject({ n: 2, excluded: { "no country or religion": 3 } });
});

test("groups of 30 answered rows count for the worst, values of 5 for the inequity, smaller ones do not", () => {
  const group = (country: string, n: number, answer: number): Partial<PredictionRow>[] =>
    Array.from({ length: n }, () => ({ profile: { country }, answer }));
  const options = { metrics: ["worstGroup", "groupGap", "sigmaInequity"], resamples: 0 } as const;
  const large = evaluate(tableOf([...group("A", 30, 1), ...group("B", 29, 0)]), options);
  expect(large.worstGroup).toMatchObject({ value: 1, n: 30, excluded: { "group of fewer than 30 rows": 29 } });
  expect(large.groupGap.value).toBe(0);
  const small = evaluate(tableOf([...group("A", 5, 1), ...group("B", 5, 0), ...group("C", 4, 0)]), options);
  expect(small.sigmaInequity.value).toBeCloseTo(0.5, 12);
});
