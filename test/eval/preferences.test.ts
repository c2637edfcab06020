import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { preferenceTable, readPreferences, scorePreferences, type Preference } from "../../eval/units/preferences.ts";
import { readRewards, rewardTable, scoreRewards, type Reward } from "../../eval/units/rewards.ts";
import { kendallTau } from "../../eval/units/kendallTau.ts";
import { margin, marginPerToken, rankedRight } from "../../eval/units/preferenceAccuracy.ts";
import { scoreTexts } from "../../src/app/scoreTexts.ts";
import { Files, formats, jsonl } from "./textSupport.ts";

const golden = JSON.parse(readFileSync(new URL("../fixtures/golden/textMetrics.json", import.meta.url), "utf8")) as {
  kendall: { x: number[]; y: number[]; tau: number | null }[];
};

const expectClose = (found: number, expected: number): void =>
  expect(Math.abs(found - expected), `${found} against ${expected}`).toBeLessThan(1e-9);

const files = new Files();
afterAll(() => files.remove());

const none = { resamples: 0 };

let examples = 0;
const pair = (chosen: number, rejected: number, changes: Partial<Preference> = {}): Preference => ({
  exampleId: `e${examples++}`,
  participantId: null,
  profile: {},
  chosen,
  rejected,
  chosenTokens: null,
  rejectedTokens: null,
  reference: null,
  ...changes,
});

describe("preference accuracy", () => {
  test("counts positive margins once and equal ones half", () => {
    const table = preferenceTable([pair(-1, -2), pair(-3, -2), pair(-2, -2), pair(-1, -5)]);
    const { overall, settings, samples } = scorePreferences(table, none);
    expect(overall.preferenceAccuracy).toEqual({ value: 2.5 / 4, low: NaN, high: NaN, n: 4, excluded: {} });
    expect(overall.preferenceAccuracyPerToken).toMatchObject({
      value: NaN,
      n: 0,
      excluded: { "pairs without numbers of tokens": 4 },
    });
    expect(settings["reward"]).toBe("log-probability");
    expect(samples).toEqual({ rows: 4 });
  });

  test("subtracts the reference", () => {
    const reference = { chosen: -1, rejected: -9 };
    const one = pair(-2, -8, { reference });
    expect(margin(one)).toBe(-2);
    const { overall, settings } = scorePreferences(preferenceTable([one]), none);
    expect(overall.preferenceAccuracy.value).toBe(0);
    expect(settings["reward"]).toBe("log-probability less the reference's");
  });

  test("by token, with and without a reference", () => {
    const long = pair(-10, -4, { chosenTokens: 20, rejectedTokens: 4 });
    expect([margin(long), marginPerToken(long)]).toEqual([-6, 0.5]);
    const referred = { ...long, reference: { chosen: -2, rejected: -5 } };
    expect([margin(referred), marginPerToken(referred)]).toEqual([-9, -8 / 20 - 1 / 4]);
    const table = preferenceTable([long, pair(-1, -2, { chosenTokens: 3 })]);
    const { preferenceAccuracy, preferenceAccuracyPerToken } = scorePreferences(table, none).overall;
    expect(preferenceAccuracy).toMatchObject({ value: 0.5, n: 2 });
    expect(preferenceAccuracyPerToken).toMatchObject({
      value: 1,
      n: 1,
      excluded: { "pairs without numbers of tokens": 1 },
    });
  });

  const logProb = fc.double({ min: -50, max: 0, noNaN: true });

  test("of swapped answers is 1 less it; the reference that is the policy itself gives 1/2", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(logProb, logProb), { minLength: 1, maxLength: 20 }), (pairs) => {
        const accuracy = (rows: readonly Preference[]): number =>
          scorePreferences(preferenceTable(rows), none).overall.preferenceAccuracy.value;
        const found = accuracy(pairs.map(([a, b]) => pair(a, b)));
        expect(found).toBeGreaterThanOrEqual(0);
        expect(found).toBeLessThanOrEqual(1);
        expectClose(accuracy(pairs.map(([a, b]) => pair(b, a))), 1 - found);
        expect(accuracy(pairs.map(([a, b]) => pair(a, b, { reference: { chosen: a, rejected: b } })))).toBe(0.5);
      }),
    );
  });

  test("a margin that is NaN counts as nothing", () => {
    expect([1e-9, 0, -1e-9, NaN].map(rankedRight)).toEqual([1, 0.5, 0, NaN]);
  });

  test("intervals draw participants; groups are scored by themselves", () => {
    const rows = Array.from({ length: 40 }, (_, i) => {
      const country = i % 4 < 2 ? "Japan" : "Peru";
      return pair(country === "Japan" ? -1 : -3, -2, { participantId: `u${i % 4}`, profile: { country } });
    });
    const { overall, groups, ungrouped } = scorePreferences(preferenceTable([...rows, pair(-1, -2)]), {
      by: ["country"],
      resamples: 300,
    });
    expect(groups["Japan"]!.preferenceAccuracy).toMatchObject({ value: 1, low: 1, high: 1, n: 20 });
    expect(groups["Peru"]!.preferenceAccuracy).toMatchObject({ value: 0, n: 20 });
    expect(ungrouped).toEqual({ "no country": 1 });
    const { low, high } = overall.preferenceAccuracy;
    const alone = scorePreferences(preferenceTable(rows.map((row) => ({ ...row, participantId: null }))), {
      resamples: 300,
    }).overall.preferenceAccuracy;
    expect(high - low).toBeGreaterThan(2 * (alone.high - alone.low));
  });

  test("refuses what cannot be", () => {
    const refused = (rows: readonly Preference[], message: string) =>
      expect(() => preferenceTable(rows, "file.csv")).toThrow(`file.csv: ${message}`);
    const named = (changes: Partial<Preference>): Preference => pair(-1, -2, { exampleId: "x", ...changes });
    const logProbs = "expected a log-probability, a finite number that is 0 or less; found ";
    refused([named({ chosen: 2 })], `row 1 (example "x"): chosen_logprob: ${logProbs}2`);
    refused([named({ rejected: -Infinity })], `row 1 (example "x"): rejected_logprob: ${logProbs}-Infinity`);
    refused([named({ chosen: NaN })], `row 1 (example "x"): chosen_logprob: ${logProbs}NaN`);
    const reference = { chosen: -1, rejected: 1 };
    refused([named({ reference })], `row 1 (example "x"): ref_rejected_logprob: ${logProbs}1`);
    refused(
      [named({ rejectedTokens: 0 })],
      'row 1 (example "x"): rejected_tokens: expected a whole number above 0; found 0',
    );
    refused([named({}), named({})], 'row 2 (example "x"): expected each example once; found it in row 1 too');
    refused(
      [pair(-1, -2), named({ reference: { chosen: -1, rejected: -1 } })],
      'row 2 (example "x"): expected log-probabilities of the reference in every row or in none; found some',
    );
    // Rounding.
    expect(preferenceTable([pair(1e-8, -1)]).rows).toHaveLength(1);
  });
});

describe("Kendall's tau", () => {
  test.each(golden.kendall)("equals scipy's, case %#", ({ x, y, tau }) => {
    if (tau === null) expect(kendallTau(x, y)).toBeNaN();
    else expectClose(kendallTau(x, y), tau);
  });

  const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })), { maxLength: 12 });

  test("is in [-1, 1], the same both ways round, and changes its sign with either list", () => {
    fc.assert(
      fc.property(pairs, (all) => {
        const x = all.map(([a]) => a);
        const y = all.map(([, b]) => b);
        const tau = kendallTau(x, y);
        if (Number.isNaN(tau)) {
          expect(new Set(x).size < 2 || new Set(y).size < 2).toBe(true);
          return;
        }
        expect(Math.abs(tau)).toBeLessThanOrEqual(1 + 1e-12);
        expectClose(kendallTau(y, x), tau);
        expectClose(
          kendallTau(
            x.map((a) => -a),
            y,
          ),
          -tau,
        );
        expectClose(
          kendallTau(
            x.map((a) => Math.exp(a)),
            y.map((b) => 3 * b - 1),
          ),
          tau,
        );
        expectClose(kendallTau(x, x), 1);
      }),
    );
  });

  const turn = (
    turnId: string,
    rows: readonly (readonly [number, number])[],
    changes: Partial<Reward> = {},
  ): Reward[] =>
    rows.map(([reward, score]) => ({ turnId, participantId: null, profile: {}, reward, score, ...changes }));

  test("the mean over turns; those without a tau are counted", () => {
    const table = rewardTable([
      ...turn("same", [
        [-1, 10],
        [-2, 5],
        [-3, 1],
      ]),
      ...turn("reversed", [
        [-1, 1],
        [-2, 5],
      ]),
      ...turn("two of three", [
        [1, 1],
        [2, 3],
        [3, 2],
      ]),
      ...turn("one", [[1, 1]]),
      ...turn("equal rewards", [
        [1, 1],
        [1, 2],
      ]),
      ...turn("equal scores", [
        [1, 1],
        [2, 1],
      ]),
    ]);
    const { overall, samples } = scoreRewards(table, none);
    expect(overall.kendallTau.n).toBe(8);
    expectClose(overall.kendallTau.value, (1 - 1 + 1 / 3) / 3);
    expect(overall.kendallTau.excluded).toEqual({
      "turns with fewer than 2 rows": 1,
      "turns of equal rewards": 1,
      "turns of equal scores": 1,
    });
    expect(samples).toEqual({ rows: 13, turns: 6 });
  });

  test("groups and intervals", () => {
    const rows = Array.from({ length: 20 }, (_, i) => {
      const up = i % 4 < 2;
      const changes = { participantId: `u${i % 4}`, profile: { country: up ? "Japan" : "Peru" } };
      return turn(
        `t${i}`,
        up
          ? [
              [1, 1],
              [2, 2],
            ]
          : [
              [1, 2],
              [2, 1],
            ],
        changes,
      );
    }).flat();
    const { overall, groups } = scoreRewards(rewardTable(rows), { by: ["country"], resamples: 300 });
    expect(overall.kendallTau.value).toBe(0);
    expect(groups["Japan"]!.kendallTau).toMatchObject({ value: 1, low: 1, high: 1, n: 20, excluded: {} });
    expect(groups["Peru"]!.kendallTau.value).toBe(-1);
    const alone = rewardTable(rows.map((row) => ({ ...row, participantId: null })));
    const width = ({ low, high }: { low: number; high: number }): number => high - low;
    expect(width(overall.kendallTau)).toBeGreaterThan(
      1.5 * width(scoreRewards(alone, { resamples: 300 }).overall.kendallTau),
    );
    expect(scoreRewards(rewardTable([])).overall.kendallTau).toMatchObject({ value: NaN, low: NaN, n: 0 });
  });

  test("refuses what cannot be", () => {
    expect(() => rewardTable(turn("t", [[NaN, 1]]), "file.csv")).toThrow(
      'file.csv: row 1 (turn "t"): reward: expected a finite number; found NaN',
    );
    const two = [...turn("t", [[1, 1]], { participantId: "u" }), ...turn("t", [[1, 1]], { participantId: "v" })];
    expect(() => rewardTable(two, "file.csv")).toThrow(
      'file.csv: row 2 (turn "t"): participant_id: expected "u", as in row 1 of the same turn; found "v"',
    );
  });
});

describe("files", () => {
  const preferences = [
    {
      example_id: "e1",
      participant_id: "7",
      chosen_logprob: -1.5,
      rejected_logprob: -2,
      ref_chosen_logprob: -1,
      ref_rejected_logprob: -3,
      chosen_tokens: 4,
      rejected_tokens: 5,
      country: "Japan",
    },
    {
      example_id: "e2",
      participant_id: null,
      chosen_logprob: 0,
      rejected_logprob: -2e-3,
      ref_chosen_logprob: -1,
      ref_rejected_logprob: 0,
      chosen_tokens: null,
      rejected_tokens: null,
      country: null,
    },
  ];

  test.each(formats)("preferences, %s", async (format) => {
    const path = files.rows(format, preferences);
    const { rows } = await readPreferences(path);
    expect(rows).toEqual([
      {
        exampleId: "e1",
        participantId: "7",
        profile: { country: "Japan" },
        chosen: -1.5,
        rejected: -2,
        chosenTokens: 4,
        rejectedTokens: 5,
        reference: { chosen: -1, rejected: -3 },
      },
      {
        exampleId: "e2",
        participantId: null,
        profile: {},
        chosen: 0,
        rejected: -2e-3,
        chosenTokens: null,
        rejectedTokens: null,
        reference: { chosen: -1, rejected: 0 },
      },
    ]);
    const found = await scoreTexts("preferences", path, { by: null, resamples: 10, seed: 0 });
    expect(found.overall["preferenceAccuracy"]).toMatchObject({ value: 0.5, n: 2 });
    expect(found.groups).toEqual({});
    const plain = preferences.map(({ example_id, chosen_logprob, rejected_logprob }) => ({
      example_id,
      chosen_logprob,
      rejected_logprob,
    }));
    const without = await readPreferences(files.rows(format, plain));
    expect(without.rows.map(({ reference, chosenTokens }) => [reference, chosenTokens])).toEqual([
      [null, null],
      [null, null],
    ]);
  });

  test.each(formats)("rewards, %s", async (format) => {
    const rows = [
      { turn_id: "t", participant_id: "u", reward: -1.25, score: 90, country: "Peru" },
      { turn_id: "t", participant_id: "u", reward: 2, score: 91, country: "Peru" },
    ];
    const path = files.rows(format, rows);
    expect((await readRewards(path)).rows[0]).toEqual({
      turnId: "t",
      participantId: "u",
      profile: { country: "Peru" },
      reward: -1.25,
      score: 90,
    });
    const found = await scoreTexts("rewards", path, { by: ["country"], resamples: 10, seed: 0 });
    expect(found.overall["kendallTau"]).toMatchObject({ value: 1, n: 2 });
    expect(found.groups["Peru"]).toEqual(found.overall);
  });

  test("refuses cells that are no numbers, and half a reference", async () => {
    const fine = { example_id: "e", chosen_logprob: -1, rejected_logprob: -2 };
    const word = files.write(".csv", "example_id,chosen_logprob,rejected_logprob\ne,-1,nan\n");
    await expect(readPreferences(word)).rejects.toThrow(
      `${word}: row 1: rejected_logprob: expected a finite number, found "nan"`,
    );
    const text = files.write(".jsonl", jsonl({ ...fine, chosen_logprob: "-1,5" }));
    await expect(readPreferences(text)).rejects.toThrow(
      `${text}: row 1: chosen_logprob: expected a finite number, found "-1,5"`,
    );
    const half = files.write(".jsonl", jsonl({ ...fine, ref_chosen_logprob: -1 }));
    await expect(readPreferences(half)).rejects.toThrow(
      `${half}: row 1 (example "e"): expected ref_chosen_logprob and ref_rejected_logprob, or neither; found one`,
    );
    const positive = files.write(".jsonl", jsonl(fine, { ...fine, example_id: "f", chosen_logprob: 1 }));
    await expect(readPreferences(positive)).rejects.toThrow(`${positive}: row 2 (example "f"): chosen_logprob:`);
    const rewards = files.write(".tsv", "turn_id\treward\tscore\nt\t\t1\n");
    await expect(readRewards(rewards)).rejects.toThrow(`${rewards}: row 1: "reward": expected number; found null`);
  });
});
