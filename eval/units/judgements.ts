import * as z from "zod";
import type { Profile } from "../../src/core/text/index.ts";
import { CumaError, excerpt, show } from "../../src/core/util/index.ts";
import { checkScoring } from "../arguments.ts";
import type { MetricInfo, MetricResult } from "../metrics/metric.ts";
import { idSchema, readRows } from "./records.ts";
import {
  attributeOf,
  attributesOf,
  clusterOf,
  groupBy,
  meansOf,
  scoreGroups,
  type ScoreOptions,
  type TextScores,
  type TextTable,
  type Unit,
} from "./scores.ts";
import { wilsonInterval, type Verdict } from "./winRate.ts";

/** What a judge said when it saw two answers, a and b, in one order. */
export interface Judgement {
  readonly exampleId: string;
  /** Whose example it is; null where that is not known. */
  readonly participantId: string | null;
  readonly profile: Profile;
  /** Which answer came first: a in "ab", b in "ba". */
  readonly order: "ab" | "ba";
  /** Which of the two places won; "failed" where the judge gave no verdict. */
  readonly winner: "first" | "second" | "tie" | "failed";
}

export const judgementMetrics = {
  winRate: { title: "(wins + ties / 2) / examples of answer a; Wilson interval", higherIsBetter: true, range: [0, 1] },
  winRateBootstrap: { title: "win rate; bootstrap interval of participants", higherIsBetter: true, range: [0, 1] },
  consistency: { title: "examples with one verdict in both orders", higherIsBetter: true, range: [0, 1] },
  firstShare: { title: "share of the first place in verdicts that are no tie", higherIsBetter: null, range: [0, 1] },
} as const satisfies Record<string, MetricInfo>;

export type JudgementMetric = keyof typeof judgementMetrics;

/**
 * Checks judgements.
 * @param source Named in errors.
 * @throws CumaError where an example has two judgements of one order, or rows that differ in participant or attributes.
 */
export function judgementTable(rows: readonly Judgement[], source = "judgements"): TextTable<Judgement> {
  const attributes = attributesOf(rows);
  const earlier = new Map<string, { readonly row: number; readonly judgement: Judgement }>();
  for (const [i, judgement] of rows.entries()) {
    const { exampleId, order } = judgement;
    const fail = (what: string): never => {
      throw new CumaError(`${source}: row ${i + 1} (example "${excerpt(exampleId)}"): ${what}`);
    };
    const key = (of: Judgement["order"]): string => `${of} ${exampleId}`;
    const same = earlier.get(key(order));
    if (same) fail(`expected one judgement of each order; found order "${order}" in row ${same.row} too`);
    const other = earlier.get(key(order === "ab" ? "ba" : "ab"));
    if (other) {
      const fields = ({ participantId, profile }: Judgement) => [
        ["participant_id", participantId] as const,
        ...attributes.map((name) => [name, attributeOf(profile, name) ?? null] as const),
      ];
      const before = fields(other.judgement);
      for (const [f, [name, value]] of fields(judgement).entries()) {
        if (value === before[f]![1]) continue;
        const expected = `${show(before[f]![1])}, as in row ${other.row} of the same example`;
        fail(`${excerpt(name)}: expected ${expected}; found ${show(value)}`);
      }
    }
    earlier.set(key(order), { row: i + 1, judgement });
  }
  return { rows, attributes };
}

const shape = {
  example_id: idSchema,
  participant_id: idSchema.nullish(),
  order: z.enum(["ab", "ba"]),
  winner: z.enum(["first", "second", "tie", "failed"]),
};

/**
 * Reads judgements from Parquet, Arrow, JSON lines, CSV or TSV: `example_id`, `order`, `winner` and, where it is known,
 * `participant_id`. Every other column is an attribute.
 * @throws CumaError naming the file, the row (from 1) and the column.
 */
export async function readJudgements(path: string): Promise<TextTable<Judgement>> {
  const rows = await readRows(path, { shape, needed: ["example_id", "order", "winner"] });
  return judgementTable(
    rows.map(({ fields: { example_id, participant_id, order, winner }, profile }) => ({
      exampleId: example_id,
      participantId: participant_id ?? null,
      profile,
      order,
      winner,
    })),
    path,
  );
}

/**
 * How often answer a beats answer b: (W + T / 2) / N over examples that were judged in both orders.
 *
 * An example is a win or a loss where both orders say so, and else a tie. One with a failed or missing order is left
 * out. `winRate` has Wilson's interval, for independent examples, ties counting half; `winRateBootstrap` is the same
 * value with an interval that draws participants (examples, where there are none). `consistency` is the share of
 * examples on which both orders agree, `firstShare` the mean over examples of the first place's share in the verdicts that
 * are no tie: 1/2 for a judge that the place does not move.
 *
 * Win rates: 1: a always wins; 0: b does; never negative; NaN: no example.
 * @throws CumaError for an attribute that no row has.
 */
export function scoreJudgements(table: TextTable<Judgement>, options: ScoreOptions = {}): TextScores<JudgementMetric> {
  checkScoring(table, options);
  const examples = examplesOf(table.rows).flatMap(({ verdict }) => (verdict === undefined ? [] : [verdict]));
  const times = (verdict: Verdict): number => examples.filter((of) => of === verdict).length;
  return {
    samples: {
      rows: table.rows.length,
      examples: new Set(table.rows.map(({ exampleId }) => exampleId)).size,
      wins: times("win"),
      ties: times("tie"),
      losses: times("loss"),
    },
    settings: { ties: "count half; verdicts that differ between the orders are ties" },
    ...scoreGroups(table, options.by ?? [], (rows) => scoreRows(rows, options)),
  };
}

interface Example {
  readonly id: string;
  readonly rows: readonly Judgement[];
  /** Over both orders; undefined where one is missing or failed. */
  readonly verdict: Verdict | undefined;
}

function examplesOf(rows: readonly Judgement[]): Example[] {
  return [...groupBy(rows, ({ exampleId }) => exampleId)].map(([id, judgements]) => {
    const verdicts = judgements.map(verdictOf);
    const [one, other] = verdicts;
    const known = verdicts.length === 2 && !verdicts.includes(undefined);
    return { id, rows: judgements, verdict: known ? (one === other ? one : "tie") : undefined };
  });
}

/** For answer a. */
function verdictOf({ order, winner }: Judgement): Verdict | undefined {
  if (winner === "failed") return undefined;
  if (winner === "tie") return "tie";
  return (winner === "first") === (order === "ab") ? "win" : "loss";
}

const worth = { win: 1, tie: 0.5, loss: 0 } as const;

function scoreRows(rows: readonly Judgement[], options: ScoreOptions): Record<JudgementMetric, MetricResult> {
  const examples = examplesOf(rows);
  const units = examples.flatMap(({ id, rows: [one, other], verdict }): Unit<JudgementMetric>[] => {
    if (verdict === undefined) return [];
    const winRate = worth[verdict];
    const places = [one!.winner, other!.winner].filter((winner) => winner !== "tie");
    return [
      {
        cluster: clusterOf(one!.participantId, "example", id),
        rows: 1,
        values: {
          winRate,
          winRateBootstrap: winRate,
          consistency: Number(verdictOf(one!) === verdictOf(other!)),
          firstShare: places.length === 0 ? NaN : places.filter((place) => place === "first").length / places.length,
        },
      },
    ];
  });
  const failed = examples.filter(({ rows: of }) => of.some(({ winner }) => winner === "failed")).length;
  const excluded = {
    "examples with a failed order": failed,
    "examples with a missing order": examples.length - units.length - failed,
  };
  const noPlace = units.filter(({ values }) => Number.isNaN(values.firstShare)).length;
  const found = meansOf(
    judgementMetrics,
    units,
    {
      winRate: excluded,
      winRateBootstrap: excluded,
      consistency: excluded,
      firstShare: { ...excluded, "examples with two ties": noPlace },
    },
    options,
  );
  const { value, n } = found.winRate;
  return { ...found, winRate: { ...found.winRate, ...wilsonInterval(value, n, options.level ?? 0.95) } };
}
