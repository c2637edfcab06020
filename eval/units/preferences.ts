import * as z from "zod";
import type { Profile } from "../../src/core/text/index.ts";
import { CumaError, excerpt } from "../../src/core/util/index.ts";
import { checkScoring } from "../arguments.ts";
import { overUnits, type UnitMetric } from "./unitMetric.ts";
import { preferenceAccuracy, preferenceAccuracyPerToken, type PairLogProbs } from "./preferenceAccuracy.ts";
import { idSchema, readRows } from "./readRows.ts";
import { attributesOf, clusterOf, scoreGroups, type ScoreOptions, type TextScores, type TextTable } from "./scores.ts";

/** A person's choice between two answers, and what a model makes of them. */
export interface Preference extends PairLogProbs {
  readonly exampleId: string;
  /** Who chose; null where that is not known. */
  readonly participantId: string | null;
  readonly profile: Profile;
}

/** Every metric of preferences. */
export const preferenceMetrics = {
  preferenceAccuracy,
  preferenceAccuracyPerToken,
} satisfies Record<string, UnitMetric<PairLogProbs>>;

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
      const pairs = rows.map((row) => ({
        ...row,
        cluster: clusterOf(row.participantId, "example", row.exampleId),
        rows: 1,
      }));
      return overUnits(preferenceMetrics, pairs, {}, options);
    }),
  };
}
