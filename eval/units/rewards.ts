import * as z from "zod";
import type { Profile } from "../../src/core/text/index.ts";
import { CumaError, excerpt, show } from "../../src/core/util/index.ts";
import { checkScoring } from "../arguments.ts";
import type { MetricResult } from "../metrics/result.ts";
import { kendallTauMetric, type Turn } from "./kendallTau.ts";
import { overUnits, type UnitMetric } from "./unitMetric.ts";
import { idSchema, readRows } from "./readRows.ts";
import {
  attributesOf,
  clusterOf,
  groupBy,
  scoreGroups,
  type ScoreOptions,
  type TextScores,
  type TextTable,
} from "./scores.ts";

/** A person's score of one answer, and the reward that a model gives it. */
export interface Reward {
  /** The answers among which the person compared. */
  readonly turnId: string;
  /** Who scored, the same in every row of a turn; null where that is not known. */
  readonly participantId: string | null;
  readonly profile: Profile;
  /** Such as log pi(answer) - log pi_ref(answer); only its order within the turn counts. */
  readonly reward: number;
  readonly score: number;
}

/** Every metric of rewards. */
export const rewardMetrics = { kendallTau: kendallTauMetric } satisfies Record<string, UnitMetric<Turn>>;

export type RewardMetric = keyof typeof rewardMetrics;

/**
 * Checks rewards.
 * @param source Named in errors.
 * @throws CumaError where a number is not finite, or rows of one turn differ in participant.
 */
export function rewardTable(rows: readonly Reward[], source = "rewards"): TextTable<Reward> {
  const first = new Map<string, { readonly row: number; readonly participantId: string | null }>();
  for (const [i, { turnId, participantId, reward, score }] of rows.entries()) {
    const fail = (what: string): never => {
      throw new CumaError(`${source}: row ${i + 1} (turn "${excerpt(turnId)}"): ${what}`);
    };
    for (const [name, value] of Object.entries({ reward, score })) {
      if (!Number.isFinite(value)) fail(`${name}: expected a finite number; found ${value}`);
    }
    const earlier = first.get(turnId);
    if (!earlier) first.set(turnId, { row: i + 1, participantId });
    else if (earlier.participantId !== participantId) {
      const expected = `${show(earlier.participantId)}, as in row ${earlier.row} of the same turn`;
      fail(`participant_id: expected ${expected}; found ${show(participantId)}`);
    }
  }
  return { rows, attributes: attributesOf(rows) };
}

const shape = {
  turn_id: idSchema,
  participant_id: idSchema.nullish(),
  reward: z.number(),
  score: z.number(),
};

/**
 * Reads rewards from Parquet, Arrow, JSON lines, CSV or TSV: `turn_id`, `reward`, `score` and, where it is known,
 * `participant_id`. Every other column is an attribute.
 * @throws CumaError naming the file, the row (from 1) and the column.
 */
export async function readRewards(path: string): Promise<TextTable<Reward>> {
  const rows = await readRows(path, {
    shape: shape,
    needed: ["turn_id", "reward", "score"],
    kinds: { reward: "number", score: "number" },
  });
  return rewardTable(
    rows.map(({ fields: { turn_id, participant_id, reward, score }, profile }) => ({
      turnId: turn_id,
      participantId: participant_id ?? null,
      profile,
      reward,
      score,
    })),
    path,
  );
}

/**
 * Mean over turns of Kendall's tau-b between the reward and the person's scores. Turns of fewer than two rows, or with
 * equal rewards or equal scores throughout, have none and are left out. Intervals draw participants (turns, where there
 * are none).
 *
 * 1: every turn is ordered as the person does; 0: no relation; -1: each the other way round; NaN: no turn has a tau.
 * @throws CumaError for an attribute that no row has.
 */
export function scoreRewards(table: TextTable<Reward>, options: ScoreOptions = {}): TextScores<RewardMetric> {
  checkScoring(table, options);
  return {
    samples: { rows: table.rows.length, turns: new Set(table.rows.map(({ turnId }) => turnId)).size },
    settings: {},
    ...scoreGroups(table, options.by ?? [], (rows) => scoreTurns(rows, options)),
  };
}

function scoreTurns(rows: readonly Reward[], options: ScoreOptions): Record<RewardMetric, MetricResult> {
  const excluded = {
    "turns with fewer than 2 rows": 0,
    "turns of equal rewards": 0,
    "turns of equal scores": 0,
  };
  const turns: Turn[] = [];
  for (const [turnId, turn] of groupBy(rows, (row) => row.turnId)) {
    const constant = (name: "reward" | "score"): boolean => turn.every((row) => row[name] === turn[0]![name]);
    if (turn.length < 2) excluded["turns with fewer than 2 rows"]++;
    else if (constant("reward")) excluded["turns of equal rewards"]++;
    else if (constant("score")) excluded["turns of equal scores"]++;
    else {
      turns.push({
        cluster: clusterOf(turn[0]!.participantId, "turn", turnId),
        rows: turn.length,
        rewards: turn.map(({ reward }) => reward),
        scores: turn.map(({ score }) => score),
      });
    }
  }
  return overUnits(rewardMetrics, turns, excluded, options);
}
