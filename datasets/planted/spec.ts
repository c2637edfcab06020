import { z } from "zod";
import { unknownName } from "../../src/core/util/index.ts";
import { COUNTRIES, KINDS, NOMINAL_KINDS, RELIGIONS, REQUESTS, STANCES } from "./words.ts";

export const SPLITS = ["train", "valid", "test"] as const;
export type Split = (typeof SPLITS)[number];

/** Religions that PRISM's vocabulary has names for. */
export const PRISM_RELIGIONS = ["Christian", "Jewish", "Muslim", "No Affiliation", "Other"] as const;

/** Conversations in all: the text of their files has to fit in memory. */
const MAX_CONVERSATIONS = 100_000;

const MAX_QUESTIONS = Math.min(KINDS.length, NOMINAL_KINDS.length) * 8;

function whole(min: number, max: number) {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.number({ error }).refine((n) => Number.isInteger(n) && n >= min && n <= max, { error, abort: true });
}

function real(min: number, max: number) {
  const error = `expected a number from ${min} to ${max}`;
  return z.number({ error }).refine((x) => x >= min && x <= max, { error, abort: true });
}

const levels = whole(2, 10);

/**
 * What planted data is drawn from. Every knob has a default; those are the data of `cuma demo`.
 *
 * | knob          | default              | range and meaning                                                                     |
 * | ------------- | -------------------- | ------------------------------------------------------------------------------------- |
 * | seed          | 0                    | of everything that is drawn                                                             |
 * | participants  | 600                  | 10 to 1,000,000 people over all splits                                                  |
 * | questions     | 24                   | 1 to 32                                                                                 |
 * | skip          | 0                    | questions that come before the first: with `questions` at most 32                       |
 * | levels        | [4, 4, 3, 4, 4, 5]   | options of a question, 2 to 10: one number, or several that the questions take in turn    |
 * | nominal       | 0                    | share of the questions whose options have no order, 0 to 1                              |
 * | modes         | 4                    | 2 to 8 latent modes of values                                                           |
 * | distance      | 1                    | of the modes: 0 all answer alike, 1 they span the scale                                 |
 * | noise         | 0.5                  | spread within a mode, 0.05 to 10: in levels; of preferences, 0.5 is temperature 1        |
 * | uniformShare  | 0                    | share of answers that are uniform over the options, 0 to 1                              |
 * | countries     | 8                    | 2 to 24                                                                                 |
 * | religions     | 4                    | 1 to 12; with prism at most 5, which its vocabulary can name                            |
 * | countryShare  | 0.6                  | share of a group's mixture that its country gives, 0 to 1; its religion gives the rest  |
 * | peak          | 0.91                 | weight of the mode that a country, religion or combination stands for; 1/modes to 1      |
 * | mixing        | additive             | additive: country's share + religion's share; interacting: also the combination's own   |
 * | interaction   | 1 where interacting  | weight of the combination's own mixture, 0 to 1                                         |
 * | heldOut       | 4                    | combinations that only the test split has: a number, or a list of {country, religion}   |
 * | splits        | 0.7, 0.15, 0.15      | shares of the participants in train, valid and test; their sum is 1                     |
 * | answers       | sampled              | what training sees: people's sampled answers, or the group's exact distribution         |
 * | schemas       | [wvb]                | files written: wvb, also prism, community-alignment                                     |
 * | prompts       | 12                   | 1 to 16 requests for advice that prism and community-alignment ask                      |
 * | conversations | 3                    | of each person in prism and in community-alignment, each on another prompt              |
 *
 * Every country and every religion keeps a combination that training sees, so that at most
 * countries x religions - max(countries, religions) are held out. Additive mixing needs no more modes than there are
 * countries or religions, interacting no more than there are combinations: others would be nobody's.
 */
export const plantedSpecSchema = z
  .strictObject({
    seed: z.int().default(0),
    participants: whole(10, 1_000_000).default(600),
    questions: whole(1, MAX_QUESTIONS).default(24),
    skip: whole(0, MAX_QUESTIONS - 1).default(0),
    levels: z
      .union([levels, z.array(levels).min(1)], { error: "expected a whole number from 2 to 10, or a list of them" })
      .default([4, 4, 3, 4, 4, 5]),
    nominal: real(0, 1).default(0),
    modes: whole(2, STANCES.length).default(4),
    distance: real(0, 1).default(1),
    noise: real(0.05, 10).default(0.5),
    uniformShare: real(0, 1).default(0),
    countries: whole(2, COUNTRIES.length).default(8),
    religions: whole(1, RELIGIONS.length).default(4),
    countryShare: real(0, 1).default(0.6),
    peak: real(0, 1).default(0.91),
    mixing: z.enum(["additive", "interacting"]).default("additive"),
    interaction: real(0, 1).optional(),
    heldOut: z
      .union(
        [
          z.int().nonnegative(),
          z.array(z.strictObject({ country: z.string().min(1), religion: z.string().min(1) })).min(1),
        ],
        { error: "expected a whole number, or a list of {country, religion}" },
      )
      .default(4),
    splits: z
      .strictObject({ train: real(0, 1), valid: real(0, 1), test: real(0, 1) })
      .default({ train: 0.7, valid: 0.15, test: 0.15 }),
    answers: z.enum(["sampled", "distribution"]).default("sampled"),
    schemas: z
      .array(z.enum(["wvb", "prism", "community-alignment"]))
      .min(1)
      .default(["wvb"]),
    prompts: whole(1, REQUESTS.length).default(12),
    conversations: whole(1, REQUESTS.length).default(3),
  })
  .superRefine((spec, context) => {
    for (const { path, message } of impossibilities(spec))
      context.addIssue({ code: "custom", path: [...path], message });
  });

export type PlantedSpec = z.infer<typeof plantedSpecSchema>;
export type PlantedSpecInput = z.input<typeof plantedSpecSchema>;

/** Weight of the combination's own mixture. */
export function interactionOf({ mixing, interaction }: PlantedSpec): number {
  return mixing === "interacting" ? (interaction ?? 1) : 0;
}

/** How many participants each split has. */
export function splitSizes({ participants, splits }: PlantedSpec): Record<Split, number> {
  const trainEnd = Math.round(participants * splits.train);
  const validEnd = Math.round(participants * (splits.train + splits.valid));
  return { train: trainEnd, valid: validEnd - trainEnd, test: participants - validEnd };
}

interface Impossibility {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Combinations of knobs that are each in range and cannot be had together. */
function* impossibilities(spec: PlantedSpec): Generator<Impossibility> {
  const { questions, skip, countries, religions, modes, peak, mixing, interaction, splits, schemas } = spec;
  if (questions + skip > MAX_QUESTIONS) {
    yield { path: ["skip"], message: `expected at most ${MAX_QUESTIONS - questions} with ${questions} questions` };
  }
  const most = mixing === "additive" ? Math.max(countries, religions) : countries * religions;
  if (modes > most) {
    const of = mixing === "additive" ? "countries or religions" : "combinations of country and religion";
    yield { path: ["modes"], message: `expected at most ${most}, the number of ${of}` };
  }
  if (peak < 1 / modes) yield { path: ["peak"], message: `expected at least 1 / modes, ${1 / modes}` };
  if (mixing === "additive" && interaction !== undefined) {
    yield { path: ["interaction"], message: 'expected nothing without "mixing: interacting"' };
  }
  yield* heldOutImpossibilities(spec);
  const sum = splits.train + splits.valid + splits.test;
  if (Math.abs(sum - 1) > 1e-9) yield { path: ["splits"], message: `expected shares of sum 1, not ${sum}` };
  else {
    const empty = SPLITS.find((split) => splitSizes(spec)[split] < 1);
    if (empty !== undefined) {
      yield {
        path: ["splits", empty],
        message: `expected a share that gives at least one of ${spec.participants} participants`,
      };
    }
  }
  if (!schemas.includes("wvb") || new Set(schemas).size < schemas.length) {
    yield { path: ["schemas"], message: "expected wvb, and each of the others at most once" };
  }
  if (schemas.includes("prism") && religions > PRISM_RELIGIONS.length) {
    yield { path: ["religions"], message: `expected at most ${PRISM_RELIGIONS.length} with the schema prism` };
  }
  if (schemas.length > 1 && spec.conversations > spec.prompts) {
    yield { path: ["conversations"], message: `expected at most ${spec.prompts}, the number of prompts` };
  }
  if (schemas.length > 1 && spec.participants * spec.conversations > MAX_CONVERSATIONS) {
    const message = `expected at most ${Math.floor(MAX_CONVERSATIONS / spec.conversations)} with ${spec.conversations} conversations each`;
    yield { path: ["participants"], message };
  }
}

function* heldOutImpossibilities({ countries, religions, heldOut }: PlantedSpec): Generator<Impossibility> {
  if (typeof heldOut === "number") {
    const most = countries * religions - Math.max(countries, religions);
    if (heldOut > most) {
      yield {
        path: ["heldOut"],
        message: `expected at most ${most}, so that training sees every one of ${countries} countries and ${religions} religions`,
      };
    }
    return;
  }
  const places = { country: COUNTRIES.slice(0, countries), religion: RELIGIONS.slice(0, religions) };
  const attributes = ["country", "religion"] as const;
  const seen = new Set<string>();
  let known = true;
  for (const [i, pair] of heldOut.entries()) {
    for (const name of attributes) {
      if (places[name].includes(pair[name])) continue;
      known = false;
      yield { path: ["heldOut", i, name], message: unknownName(name, pair[name], places[name]) };
    }
    const key = `${pair.country}\t${pair.religion}`;
    if (seen.has(key)) yield { path: ["heldOut", i], message: "expected each combination once" };
    seen.add(key);
  }
  if (!known) return;
  for (const name of attributes) {
    const other = name === "country" ? religions : countries;
    const gone = places[name].find((value) => heldOut.filter((pair) => pair[name] === value).length >= other);
    if (gone !== undefined) {
      yield { path: ["heldOut"], message: `expected a combination of the ${name} ${gone} that training sees` };
    }
  }
}
