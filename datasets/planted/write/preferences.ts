import { normalised } from "../../../src/core/stats/index.ts";
import { Rng } from "../../../src/core/util/index.ts";
import { mixed, withUniform, type Group, type Truth } from "../model.ts";
import type { Person } from "../people.ts";
import { SPLITS, type PlantedSpec, type Split } from "../spec.ts";
import { REQUESTS, STANCES } from "../words.ts";

/** Candidate responses to a prompt, as both schemas have at the first turn. */
const CANDIDATES = 4;
/** Utility of a candidate for the mode whose stance it takes, at distance 1; others' have 0. */
const AGREEMENT = 3;

export interface PlantedPrompt {
  readonly id: string;
  readonly prompt: string;
  readonly candidates: readonly string[];
  /** The mode whose stance each candidate takes. */
  readonly stances: readonly number[];
  /** By mode and candidate. */
  readonly utilities: readonly (readonly number[])[];
  /** Choice probabilities, by mode and candidate. */
  readonly modes: readonly (readonly number[])[];
}

/**
 * Draws prompts with four candidate responses j, each written from the stance v_j of one mode: the values it names and
 * its wording. Stances are a sample of the modes without repetition as far as there are enough.
 * ```
 * U_mj = 3 d [v_j = m] + e_j           e_j uniform in [-0.25, 0.25): some responses are a little better for everybody
 * P(j | m) = (1-u) softmax_j(U_mj / T) + u / 4       T = s / 0.5
 * P(j | group) = sum_m P(m | group) P(j | m)
 * ```
 * d, s, u are the spec's `distance`, `noise` and `uniformShare`.
 */
export function drawPrompts(spec: PlantedSpec): PlantedPrompt[] {
  const { seed, modes, distance, uniformShare } = spec;
  const rng = new Rng(seed, "planted", "prompts");
  return REQUESTS.slice(0, spec.prompts).map(([prompt, matter], i) => {
    const all = Array.from({ length: Math.max(modes, CANDIDATES) }, (_, k) => k % modes);
    const stances = rng.shuffle(all).slice(0, CANDIDATES);
    const quality = stances.map(() => 0.5 * (rng.uniform() - 0.5));
    const utilities = Array.from({ length: modes }, (_, m) =>
      stances.map((stance, j) => (stance === m ? AGREEMENT * distance : 0) + quality[j]!),
    );
    const temperature = temperatureOf(spec);
    return {
      id: `P${i + 1}`,
      prompt,
      candidates: stances.map((stance, j) => STANCES[stance]![stances.indexOf(stance) === j ? 0 : 1](matter)),
      stances,
      utilities,
      modes: utilities.map((row) => withUniform(normalised(row.map((x) => Math.exp(x / temperature))), uniformShare)),
    };
  });
}

/** What a person makes of a prompt's candidates. */
export interface Judgement {
  readonly prompt: PlantedPrompt;
  /** Index of the candidate that is chosen. */
  readonly chosen: number;
  /** 1 to 100, by candidate; none is higher than that of the chosen one. */
  readonly scores: readonly number[];
}

/**
 * Draws a person's judgements of as many prompts as the spec has conversations, without repetition. For each a mode is
 * drawn from the group's mixture, and the candidates are ranked by U_mj + T G_j with G_j standard Gumbel, or, in the
 * uniform share, by T G_j alone: the first is chosen, which makes P(j | group) exact, and the score of each is
 * 40 + 12 (U_mj + T G_j), rounded and kept in 1 to 100.
 */
export function drawJudgements(
  prompts: readonly PlantedPrompt[],
  mixture: Group["mixture"],
  spec: PlantedSpec,
  rng: Rng,
): Judgement[] {
  const temperature = temperatureOf(spec);
  return rng
    .shuffle([...prompts])
    .slice(0, spec.conversations)
    .map((prompt) => {
      const utilities = prompt.utilities[rng.choice(mixture)]!;
      const careless = rng.uniform() < spec.uniformShare;
      const felt = utilities.map((u) => (careless ? 0 : u) - temperature * Math.log(-Math.log(1 - rng.uniform())));
      const scores = felt.map((x) => Math.min(100, Math.max(1, Math.round(40 + 12 * x))));
      return { prompt, chosen: felt.indexOf(Math.max(...felt)), scores };
    });
}

/**
 * The content of truth_prism.json and truth_community_alignment.json: the prompts, each group's distribution over their
 * candidates, and which people belong to which split.
 * @param profile The fields of the schema that carry country and religion.
 */
export function preferenceTruth(
  prompts: readonly PlantedPrompt[],
  truth: Truth,
  people: Readonly<Record<Split, readonly Person[]>>,
  profile: {
    readonly country: { readonly field: string; value(country: string): string };
    readonly religion: { readonly field: string; value(religion: string): string };
    userId(person: Person): string;
  },
): Record<string, unknown> {
  return {
    format: "cuma-planted-preferences",
    seed: truth.seed,
    spec: truth.spec,
    fields: { country: profile.country.field, religion: profile.religion.field },
    prompts: Object.fromEntries(prompts.map(({ id, ...prompt }) => [id, prompt])),
    groups: truth.groups.map(({ country, religion, heldOut, mixture }) => ({
      country: profile.country.value(country),
      religion: profile.religion.value(religion),
      heldOut,
      mixture,
      distributions: Object.fromEntries(prompts.map(({ id, modes }) => [id, mixed(mixture, modes)])),
    })),
    splits: Object.fromEntries(SPLITS.map((split) => [split, people[split].map((person) => profile.userId(person))])),
  };
}

function temperatureOf({ noise }: PlantedSpec): number {
  return noise / 0.5;
}
