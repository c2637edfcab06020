import * as z from "zod";
import type { Profile } from "../../src/core/text/index.ts";
import { CumaError, excerpt, show } from "../../src/core/util/index.ts";
import { checkScoring } from "../arguments.ts";
import type { MetricInfo, MetricResult } from "../metrics/metric.ts";
import { kendallTau } from "./kendallTau.ts";
import { margin, marginPerToken, rankedRight, type PairLogProbs } from "./preferenceAccuracy.ts";
import { idSchema, readRows } from "./records.ts";
import {
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

/** A person's choice between two answers, and what a model makes of them. */
export interface Preference extends PairLogProbs {
  readonly exampleId: string;
  /** Who chose; null where that is not known. */
  readonly participantId: string | null;
  readonly profile: Profile;
}

export const preferenceMetrics = {
  preferenceAccuracy: { title: "pairs whose chosen answer has the higher reward", higherIsBetter: true, range: [0, 1] },
  preferenceAccuracyPerToken: {
    title: "pairs whose chosen answer has the higher reward per token",
    higherIsBetter: true,
    range: [0, 1],
  },
} as const satisfies Record<string, MetricInfo>;

export type PreferenceMetric = keyof typeof preferenceMetrics;

/** How far above 0 rounding may take a log-probability. */
const TOLERANCE = 1e-6;

/**
 * Checks preferences.
 * @param source Named in errors.
 * @throws CumaError where an example comes twice, a log-probability is above 0 or not finite, a number of tokens is
 * none, or some rows have a reference and others have not.
 */
export function preferenceTable(rows: readonly Preference[], source = "preferences"): TextTable<Preference> {
  const seen = new Map<string, number>();
  for (const [i, row] of rows.entries()) {
    const fail = (what: string): never => {
      throw new CumaError(`${source}: row ${i + 1} (example "${excerpt(row.exampleId)}"): ${what}`);
    };
    const earlier = seen.get(row.exampleId);
    if (earlier !== undefined) fail(`expected each example once; found it in row ${earlier} too`);
    seen.set(row.exampleId, i + 1);
    const { chosen, rejected, chosenTokens, rejectedTokens, reference } = row;
    for (const [name, value] of [
      ["chosen_logprob", chosen],
      ["rejected_logprob", rejected],
      ["ref_chosen_logprob", reference?.chosen ?? 0],
      ["ref_rejected_logprob", reference?.rejected ?? 0],
    ] as const) {
      if (!(value <= TOLERANCE && value > -Infinity)) {
        fail(`${name}: expected a log-probability, a finite number that is 0 or less; found ${value}`);
      }
    }
    for (const [name, value] of [
      ["chosen_tokens", chosenTokens ?? 1],
      ["rejected_tokens", rejectedTokens ?? 1],
    ] as const) {
      if (!(Number.isInteger(value) && value > 0)) fail(`${name}: expected a whole number above 0; found ${value}`);
    }
    if ((reference === null) !== (rows[0]!.reference === null)) {
      fail(`expected log-probabilities of the reference in every row or in none; found ${reference ? "some" : "none"}`);
    }
  }
  return { rows, attributes: attributesOf(rows) };
}

const preferenceShape = {
  example_id: idSchema,
  participant_id: idSchema.nullish(),
  chosen_logprob: z.number(),
  rejected_logprob: z.number(),
  ref_chosen_logprob: z.number().nullish(),
  ref_rejected_logprob: z.number().nullish(),
  chosen_tokens: z.number().nullish(),
  rejected_tokens: z.number().nullish(),
};

/**
 * Reads preferences from Parquet, Arrow, JSON lines, CSV or TSV: `example_id`, `chosen_logprob`, `rejected_logprob`
 * and, where they are known, `participant_id`, `ref_chosen_logprob` and `ref_rejected_logprob`, `chosen_tokens` and
 * `rejected_tokens`. Log-probabilities are sums over an answer's tokens. Every other column is an attribute.
 * @throws CumaError naming the file, the row (from 1) and the column.
 */
export async function readPreferences(path: string): Promise<TextTable<Preference>> {
  const rows = await readRows(path, {
    shape: preferenceShape,
    needed: ["example_id", "chosen_logprob", "rejected_logprob"],
    kinds: {
      chosen_logprob: "number",
      rejected_logprob: "number",
      ref_chosen_logprob: "number",
      ref_rejected_logprob: "number",
      chosen_tokens: "number",
      rejected_tokens: "number",
    },
  });
  return preferenceTable(
    rows.map(({ fields, profile }, i) => {
      const chosen = fields.ref_chosen_logprob ?? null;
      const rejected = fields.ref_rejected_logprob ?? null;
      if ((chosen === null) !== (rejected === null)) {
        const where = `${path}: row ${i + 1} (example "${excerpt(fields.example_id)}")`;
        throw new CumaError(`${where}: expected ref_chosen_logprob and ref_rejected_logprob, or neither; found one`);
      }
      return {
        exampleId: fields.example_id,
        participantId: fields.participant_id ?? null,
        profile,
        chosen: fields.chosen_logprob,
        rejected: fields.rejected_logprob,
        chosenTokens: fields.chosen_tokens ?? null,
        rejectedTokens: fields.rejected_tokens ?? null,
        reference: chosen === null || rejected === null ? null : { chosen, rejected },
      };
    }),
    path,
  );
}

/**
 * Preference accuracy: the share of pairs whose chosen answer has the higher log-probability or, with a reference, the
 * higher implicit reward log pi - log pi_ref (DPO's); pairs of equal reward count half. The same with rewards by token,
 * which long answers do not lose by their length. Intervals draw participants (examples, where there are none).
 *
 * 1: every pair is ranked as people do; 1/2: chance; 0: each the other way round; never negative; NaN: no pair.
 * @throws CumaError for an attribute that no row has.
 */
export function scorePreferences(
  table: TextTable<Preference>,
  options: ScoreOptions = {},
): TextScores<PreferenceMetric> {
  checkScoring(table, options);
  const reference = table.rows[0]?.reference != null;
  return {
    samples: { rows: table.rows.length },
    settings: {
      reward: reference ? "log-probability less the reference's" : "log-probability",
      ties: "count half",
    },
    ...scoreGroups(table, options.by ?? [], (rows) => {
      const units = rows.map((row): Unit<PreferenceMetric> => ({
        cluster: clusterOf(row.participantId, "example", row.exampleId),
        rows: 1,
        values: {
          preferenceAccuracy: rankedRight(margin(row)),
          preferenceAccuracyPerToken: rankedRight(marginPerToken(row)),
        },
      }));
      const without = units.filter(({ values }) => Number.isNaN(values.preferenceAccuracyPerToken)).length;
      const excluded = {
        preferenceAccuracy: {},
        preferenceAccuracyPerToken: { "pairs without numbers of tokens": without },
      };
      return meansOf(preferenceMetrics, units, excluded, options);
    }),
  };
}

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

export const rewardMetrics = {
  kendallTau: { title: "Kendall's tau-b of reward and score within turns", higherIsBetter: true, range: [-1, 1] },
} as const satisfies Record<string, MetricInfo>;

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

const rewardShape = {
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
    shape: rewardShape,
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
  const units: Unit<RewardMetric>[] = [];
  for (const [turnId, turn] of groupBy(rows, (row) => row.turnId)) {
    const constant = (name: "reward" | "score"): boolean => turn.every((row) => row[name] === turn[0]![name]);
    if (turn.length < 2) excluded["turns with fewer than 2 rows"]++;
    else if (constant("reward")) excluded["turns of equal rewards"]++;
    else if (constant("score")) excluded["turns of equal scores"]++;
    else {
      const rewards = turn.map(({ reward }) => reward);
      const scores = turn.map(({ score }) => score);
      units.push({
        cluster: clusterOf(turn[0]!.participantId, "turn", turnId),
        rows: turn.length,
        values: { kendallTau: kendallTau(rewards, scores) },
      });
    }
  }
  return meansOf(rewardMetrics, units, { kendallTau: excluded }, options);
}
