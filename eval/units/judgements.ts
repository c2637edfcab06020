import * as z from "zod";
import type { Profile } from "../../src/core/text/index.ts";
import { CumaError, excerpt, show } from "../../src/core/util/index.ts";
import { checkScoring } from "../arguments.ts";
import { consistency } from "./consistency.ts";
import { firstShare } from "./firstShare.ts";
import { verdictOf, type JudgedExample, type Verdict } from "./judged.ts";
import { overUnits, type UnitMetric } from "./unitMetric.ts";
import { idSchema, readRows } from "./readRows.ts";
import {
  attributeOf,
  attributesOf,
  clusterOf,
  groupBy,
  scoreGroups,
  type ScoreOptions,
  type TextScores,
  type TextTable,
} from "./scores.ts";
import { winRate, winRateBootstrap } from "./winRate.ts";

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

/** Every metric of judgements. */
export const judgementMetrics = {
  winRate,
  winRateBootstrap,
  consistency,
  firstShare,
} satisfies Record<string, UnitMetric<JudgedExample>>;

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
  const { judged } = examplesOf(table.rows);
  const times = (verdict: Verdict): number => judged.filter((example) => verdictOf(example) === verdict).length;
  return {
    samples: {
      rows: table.rows.length,
      examples: new Set(table.rows.map(({ exampleId }) => exampleId)).size,
      wins: times("win"),
      ties: times("tie"),
      losses: times("loss"),
    },
    settings: { ties: "count half; verdicts that differ between the orders are ties" },
    ...scoreGroups(table, options.by ?? [], (rows) => {
      const { judged: examples, excluded } = examplesOf(rows);
      return overUnits(judgementMetrics, examples, excluded, options);
    }),
  };
}

/** The examples that were judged in both orders, and how many were not, by reason. */
function examplesOf(rows: readonly Judgement[]): { judged: JudgedExample[]; excluded: Record<string, number> } {
  const judged: JudgedExample[] = [];
  let failed = 0;
  let missing = 0;
  for (const [id, judgements] of groupBy(rows, ({ exampleId }) => exampleId)) {
    const verdicts = judgements.flatMap((judgement) => verdictsOf(judgement));
    const [one, other] = verdicts;
    if (verdicts.length < judgements.length) failed++;
    else if (!one || !other) missing++;
    else {
      judged.push({
        cluster: clusterOf(judgements[0]!.participantId, "example", id),
        rows: 1,
        verdicts: [one, other],
        places: judgements.flatMap(({ winner }) => (winner === "first" || winner === "second" ? [winner] : [])),
      });
    }
  }
  return { judged, excluded: { "examples with a failed order": failed, "examples with a missing order": missing } };
}

/** For answer a; none where the judge gave none. */
function verdictsOf({ order, winner }: Judgement): Verdict[] {
  if (winner === "failed") return [];
  if (winner === "tie") return ["tie"];
  return [(winner === "first") === (order === "ab") ? "win" : "loss"];
}
