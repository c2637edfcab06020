import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { judgementTable, readJudgements, scoreJudgements, type Judgement } from "../../eval/units/judgements.ts";
import { twoSidedQuantile, wilsonInterval } from "../../eval/units/winRate.ts";
import { scoreTexts } from "../../src/app/scoreTexts.ts";
import { Files, formats, jsonl } from "./textSupport.ts";

interface Golden {
  wilson: { p: number; n: number; level: number; low: number; high: number }[];
  quantiles: { level: number; z: number }[];
}

const golden = JSON.parse(
  readFileSync(new URL("../fixtures/golden/textMetrics.json", import.meta.url), "utf8"),
) as Golden;

const expectClose = (found: number, expected: number): void =>
  expect(Math.abs(found - expected), `${found} against ${expected}`).toBeLessThan(1e-9);

const files = new Files();
afterAll(() => files.remove());

const none = { resamples: 0 };

type Winner = Judgement["winner"];

/** An example that was judged in both orders. */
function judged(exampleId: string, ab: Winner, ba: Winner, changes: Partial<Judgement> = {}): Judgement[] {
  const shared = { exampleId, participantId: null, profile: {}, ...changes };
  return [
    { ...shared, order: "ab", winner: ab },
    { ...shared, order: "ba", winner: ba },
  ];
}

test("messages show long names in part", () => {
  const long = "x".repeat(1_000_000);
  const [first, second] = judged(long, "first", "second", { profile: { [long]: "a" } }) as [Judgement, Judgement];
  const message = `judgements: row 2 (example "${"x".repeat(100)}..."): ${"x".repeat(100)}...: expected "a", as in row 1`;
  expect(() => judgementTable([first, { ...second, profile: { [long]: "b" } }])).toThrow(message);
});

test.each(golden.wilson)("Wilson's interval of $p of $n at $level equals scipy's", ({ p, n, level, low, high }) => {
  const found = wilsonInterval(p, n, level);
  expectClose(found.low, low);
  expectClose(found.high, high);
});

test.each(golden.quantiles)("the normal quantile of level $level equals scipy's", ({ level, z }) => {
  expectClose(twoSidedQuantile(level), z);
});

test("Wilson's interval of nothing is undefined", () => {
  expect(wilsonInterval(NaN, 0, 0.95)).toEqual({ low: NaN, high: NaN });
});

test("worked by hand: a win, a loss, ties of four kinds, and examples that are left out", () => {
  const table = judgementTable([
    ...judged("win", "first", "second"),
    ...judged("loss", "second", "first"),
    ...judged("always the first place", "first", "first"),
    ...judged("always the second place", "second", "second"),
    ...judged("two ties", "tie", "tie"),
    ...judged("a win and a tie", "first", "tie"),
    ...judged("another win", "first", "second"),
    ...judged("failed once", "first", "failed"),
    ...judged("failed twice", "failed", "failed"),
    ...judged("missing", "first", "second").slice(0, 1),
    ...judged("missing too", "first", "second").slice(1),
  ]);
  const { samples, overall } = scoreJudgements(table, none);
  expect(samples).toEqual({ rows: 20, examples: 11, wins: 2, ties: 4, losses: 1 });
  const excluded = { "examples with a failed order": 2, "examples with a missing order": 2 };
  expect(overall.winRate).toEqual({ value: 4 / 7, n: 7, excluded, ...wilsonInterval(4 / 7, 7, 0.95) });
  expect(overall.winRateBootstrap).toEqual({ value: 4 / 7, n: 7, excluded, low: NaN, high: NaN });
  expect(overall.consistency).toMatchObject({ value: 4 / 7, n: 7 });
  // By example: 1/2, 1/2, 1, 0, none, 1, 1/2.
  expect(overall.firstShare).toMatchObject({ n: 6, excluded: { ...excluded, "examples with two ties": 1 } });
  expectClose(overall.firstShare.value, 3.5 / 6);
});

const winner = fc.constantFrom<Winner>("first", "second", "tie", "failed");
const examples = fc.array(fc.tuple(winner, winner), { minLength: 1, maxLength: 12 });

test("the win rate of swapped answers is 1 less the win rate, and lies in its interval", () => {
  fc.assert(
    fc.property(examples, (all) => {
      const rows = all.flatMap(([ab, ba], i) => judged(`e${i}`, ab, ba));
      const swapped = rows.map((row): Judgement => ({ ...row, order: row.order === "ab" ? "ba" : "ab" }));
      const one = scoreJudgements(judgementTable(rows), none).overall;
      const other = scoreJudgements(judgementTable(swapped), none).overall;
      expect(other.winRate.n).toBe(one.winRate.n);
      expect(other.winRate.excluded).toEqual(one.winRate.excluded);
      expect(other.consistency).toEqual(one.consistency);
      expect(other.firstShare).toEqual(one.firstShare);
      if (one.winRate.n === 0) {
        expect([one.winRate.value, one.winRate.low, other.winRate.value]).toEqual([NaN, NaN, NaN]);
        return;
      }
      expectClose(other.winRate.value, 1 - one.winRate.value);
      expectClose(other.winRate.low, 1 - one.winRate.high);
      expect(one.winRate.low).toBeLessThanOrEqual(one.winRate.value);
      expect(one.winRate.high).toBeGreaterThanOrEqual(one.winRate.value);
    }),
  );
});

test("the order of rows changes nothing", () => {
  fc.assert(
    fc.property(examples, (all) => {
      const rows = all.flatMap(([ab, ba], i) => judged(`e${i}`, ab, ba));
      expect(scoreJudgements(judgementTable([...rows].reverse()), none)).toEqual(
        scoreJudgements(judgementTable(rows), none),
      );
    }),
  );
});

test("the bootstrap draws participants whole; Wilson's interval does not know them", () => {
  const rows = Array.from({ length: 40 }, (_, i) => {
    const won = i % 4 < 2;
    return judged(`e${i}`, won ? "first" : "second", won ? "second" : "first");
  }).flat();
  // Four participants who each prefer one answer throughout.
  const clustered = rows.map((row) => ({ ...row, participantId: `u${Number(row.exampleId.slice(1)) % 4}` }));
  const alone = scoreJudgements(judgementTable(rows), { resamples: 500 }).overall;
  const together = scoreJudgements(judgementTable(clustered), { resamples: 500 }).overall;
  const width = ({ low, high }: { low: number; high: number }): number => high - low;
  expect(together.winRate).toEqual(alone.winRate);
  expect(width(together.winRateBootstrap)).toBeGreaterThan(2 * width(alone.winRateBootstrap));
  expect(Math.abs(width(alone.winRateBootstrap) - width(alone.winRate))).toBeLessThan(0.05);
  expect(scoreJudgements(judgementTable(clustered), { resamples: 500 }).overall).toEqual(together);
  const narrow = scoreJudgements(judgementTable(rows), { resamples: 500, level: 0.5 }).overall;
  expect(narrow.winRate).toMatchObject(wilsonInterval(0.5, 40, 0.5));
  expect(width(narrow.winRateBootstrap)).toBeLessThan(width(alone.winRateBootstrap));
});

test("groups", () => {
  const table = judgementTable([
    ...judged("1", "first", "second", { profile: { country: "Japan" } }),
    ...judged("2", "second", "first", { profile: { country: "Peru" } }),
    ...judged("3", "tie", "tie", { profile: { country: "Peru" } }),
    ...judged("4", "tie", "tie"),
  ]);
  const { groups, ungrouped } = scoreJudgements(table, { ...none, by: ["country"] });
  expect(groups["Japan"]!.winRate).toMatchObject({ value: 1, n: 1 });
  expect(groups["Peru"]!.winRate).toMatchObject({ value: 0.25, n: 2 });
  expect(Object.keys(groups)).toEqual(["Japan", "Peru"]);
  expect(ungrouped).toEqual({ "no country": 2 });
});

test("refuses an order twice, and examples whose rows differ", () => {
  const [ab, ba] = judged("e", "first", "tie", { participantId: "u", profile: { age: "old" } }) as [
    Judgement,
    Judgement,
  ];
  const refused = (rows: readonly Judgement[], message: string) =>
    expect(() => judgementTable(rows, "file.csv")).toThrow(`file.csv: ${message}`);
  refused([ab, ba, ab], 'row 3 (example "e"): expected one judgement of each order; found order "ab" in row 1 too');
  refused(
    [ab, { ...ba, participantId: null }],
    'row 2 (example "e"): participant_id: expected "u", as in row 1 of the same example; found null',
  );
  refused(
    [ab, { ...ba, profile: { age: "young" } }],
    'row 2 (example "e"): age: expected "old", as in row 1 of the same example; found "young"',
  );
  refused([ab, { ...ba, profile: { age: "old", sex: "f" } }], 'row 2 (example "e"): sex: expected null');
});

describe("files", () => {
  const rows = [
    { example_id: "e1", participant_id: "007", order: "ab", winner: "first", country: "Japan" },
    { example_id: "e1", participant_id: "007", order: "ba", winner: "tie", country: "Japan" },
    { example_id: "e2", participant_id: null, order: "ba", winner: "second", country: null },
    { example_id: "e2", participant_id: null, order: "ab", winner: "first", country: null },
  ];

  test.each(formats)("%s", async (format) => {
    const path = files.rows(format, rows);
    const table = await readJudgements(path);
    expect(table.rows[0]).toEqual({
      exampleId: "e1",
      participantId: "007",
      profile: { country: "Japan" },
      order: "ab",
      winner: "first",
    });
    expect(table.rows[2]).toMatchObject({ participantId: null, profile: {} });
    const found = await scoreTexts("judgements", path, { by: ["country"], resamples: 10, seed: 0 });
    expect(found.overall["winRate"]).toMatchObject({ value: 0.75, n: 2 });
    expect(found.groups["Japan"]!["winRate"]).toMatchObject({ value: 0.5, n: 1 });
    expect(found.samples).toMatchObject({ wins: 1, ties: 1, losses: 0 });
  });

  test("refuses verdicts and orders that there are not", async () => {
    const fine = { example_id: "e", order: "ab", winner: "first" };
    const verdict = files.write(".jsonl", jsonl({ ...fine, winner: "a" }));
    await expect(readJudgements(verdict)).rejects.toThrow(
      `${verdict}: row 1: "winner": expected one of "first"|"second"|"tie"|"failed"; found "a"`,
    );
    const order = files.write(".csv", "example_id,order,winner\ne,,tie\n");
    await expect(readJudgements(order)).rejects.toThrow(
      `${order}: row 1: "order": expected one of "ab"|"ba"; found null`,
    );
    const twice = files.write(".jsonl", jsonl(fine, fine));
    await expect(readJudgements(twice)).rejects.toThrow(`${twice}: row 2 (example "e"): expected one judgement`);
  });
});
