import { z } from "zod";
import { readJson } from "../../src/core/io/index.ts";
import type { Profile } from "../../src/core/text/index.ts";
import { checkJson, CumaError, Rng, show, unknownName } from "../../src/core/util/index.ts";
import { normalised } from "../../src/core/stats/index.ts";
import { interactionOf, plantedSpecSchema, type PlantedSpec } from "./spec.ts";
import { COUNTRIES, KINDS, NOMINAL_KINDS, RELIGIONS } from "./words.ts";

export interface PlantedQuestion {
  readonly id: string;
  readonly category: string;
  readonly question: string;
  readonly options: readonly string[];
  readonly ordered: boolean;
}

const distribution = z.array(z.number());
const truthSchema = z.object({
  format: z.literal("cuma-planted"),
  seed: z.number().int(),
  /** Where anything but the seed is not its default. */
  spec: plantedSpecSchema.optional(),
  countries: z.record(z.string(), distribution),
  religions: z.record(z.string(), distribution),
  questions: z.record(
    z.string(),
    z.object({
      options: z.array(z.string()),
      /** Of nominal questions only. */
      ordered: z.literal(false).optional(),
      modes: z.array(distribution),
    }),
  ),
  groups: z.array(
    z.object({
      country: z.string(),
      religion: z.string(),
      heldOut: z.boolean(),
      /** The mode that the combination itself stands for, where mixing is interacting. */
      mode: z.int().optional(),
      mixture: distribution,
      distributions: z.record(z.string(), distribution),
    }),
  ),
});

/** The content of truth.json. */
export type Truth = z.infer<typeof truthSchema>;
export type Group = Truth["groups"][number];

/** @throws CumaError naming the file, and the field where it has another form. */
export function readTruth(path: string): Truth {
  return checkJson(path, readJson(path), truthSchema);
}

/** The group of a profile. @throws CumaError where the profile names no planted country and religion. */
export function groupFinder(path: string, groups: readonly Group[]): (profile: Profile) => Group {
  const byName = new Map(groups.map((group) => [`${group.country}\t${group.religion}`, group]));
  return (profile) => {
    const { country = "", religion = "" } = profile;
    const group = byName.get(`${country}\t${religion}`);
    if (group) return group;
    throw new CumaError(
      `${path}: expected a profile with a planted country and religion; found country ${show(country)} and religion ${show(religion)}`,
    );
  };
}

/** The group's distribution over the options of a question. @throws CumaError for an unknown question. */
export function distributionOf(path: string, truth: Truth, group: Group, questionId: string): readonly number[] {
  const found = Object.hasOwn(group.distributions, questionId) ? group.distributions[questionId] : undefined;
  if (found) return found;
  throw new CumaError(`${path}: ${unknownName("question", questionId, Object.keys(truth.questions))}`);
}

/**
 * The questions of a spec, those that are skipped among them. Nominal ones stand among the others as evenly as their share
 * allows.
 */
export function plantedQuestions({ questions, skip, levels, nominal }: PlantedSpec): PlantedQuestion[] {
  const pattern = typeof levels === "number" ? [levels] : levels;
  return Array.from({ length: skip + questions }, (_, i) => {
    const id = `Q${i + 1}`;
    const size = pattern[i % pattern.length]!;
    const topic = Math.floor(i / KINDS.length);
    if (Math.floor((i + 1) * nominal) > Math.floor(i * nominal)) {
      const { category, questions: asked, options } = NOMINAL_KINDS[i % NOMINAL_KINDS.length]!;
      return {
        id,
        category,
        question: asked.split("|")[topic]!,
        options: options.split("|").slice(0, size),
        ordered: false,
      };
    }
    const { category, ask, topics, scales } = KINDS[i % KINDS.length]!;
    return { id, category, question: ask(topics.split("|")[topic]!), options: scale(scales, size), ordered: true };
  });
}

/** Texts of a scale: words for 3 to 5 levels, otherwise numbers whose ends have words. */
function scale(scales: readonly string[], size: number): string[] {
  const words = scales[size - 3];
  if (words !== undefined) return words.split("|");
  const named = scales[0]!.split("|");
  const [lowest, highest] = [named[0]!, named.at(-1)!];
  if (size === 2) return [lowest, highest];
  return Array.from({ length: size }, (_, k) =>
    k === 0 ? `1 (${lowest})` : k === size - 1 ? `${size} (${highest})` : `${k + 1}`,
  );
}

/**
 * Draws what a spec's answers are drawn from. Streams of the seed: "truth" for the mixtures of countries and religions,
 * the ordered questions and the held-out combinations; "nominal"; "interaction". Skipped questions are drawn too, so that the
 * others are the same with and without them.
 */
export function drawTruth(asked: readonly PlantedQuestion[], spec: PlantedSpec): Truth {
  const { seed } = spec;
  const rng = new Rng(seed, "planted", "truth");
  const countries = peakedMixtures(COUNTRIES.slice(0, spec.countries), spec, rng);
  const religions = peakedMixtures(RELIGIONS.slice(0, spec.religions), spec, rng);
  const questions = Object.fromEntries(Object.entries(drawQuestions(asked, spec, rng)).slice(spec.skip));
  const hidden = heldOutPairs(spec, rng);
  const weight = interactionOf(spec);
  const interaction = new Rng(seed, "planted", "interaction");
  const groups = Object.entries(countries).flatMap(([country, ofCountry]) =>
    Object.entries(religions).map(([religion, ofReligion]): Group => {
      const mode = interaction.below(spec.modes);
      const own = peaked(mode, spec);
      const mixture = ofCountry.map((p, m) => {
        const additive = spec.countryShare * p + (1 - spec.countryShare) * ofReligion[m]!;
        return (1 - weight) * additive + weight * own[m]!;
      });
      const distributions = Object.fromEntries(
        Object.entries(questions).map(([id, { modes }]) => [id, mixed(mixture, modes)]),
      );
      const heldOut = hidden.has(`${country}\t${religion}`);
      return { country, religion, heldOut, ...(weight > 0 && { mode }), mixture, distributions };
    }),
  );
  const plain = JSON.stringify({ ...spec, seed: 0 }) === JSON.stringify(plantedSpecSchema.parse({}));
  return { format: "cuma-planted", seed, ...(!plain && { spec }), countries, religions, questions, groups };
}

/** Distributions by mode, mixed. */
export function mixed(mixture: readonly number[], modes: readonly (readonly number[])[]): number[] {
  return normalised(modes[0]!.map((_, k) => mixture.reduce((sum, weight, m) => sum + weight * modes[m]![k]!, 0)));
}

/** With a share of uniform answers in place of as many of the distribution's. */
export function withUniform(probabilities: readonly number[], share: number): number[] {
  return probabilities.map((p) => (1 - share) * p + share / probabilities.length);
}

function drawQuestions(asked: readonly PlantedQuestion[], spec: PlantedSpec, rng: Rng): Truth["questions"] {
  const { modes, distance, noise, uniformShare } = spec;
  const nominal = new Rng(spec.seed, "planted", "nominal");
  const order = (of: Rng, n: number) => of.shuffle(Array.from({ length: n }, (_, i) => i));
  const places = new Map<string, number[]>([
    ...KINDS.map(({ category }) => [category, order(rng, modes)] as const),
    ...NOMINAL_KINDS.map(({ category }) => [category, order(nominal, 10)] as const),
  ]);
  const questions: Truth["questions"] = {};
  for (const { id, category, options, ordered } of asked) {
    const last = options.length - 1;
    const place = places.get(category)!;
    const choices = place.filter((k) => k <= last);
    const ofMode = (m: number): number[] => {
      if (!ordered) {
        const apart = distance * (1 + 0.3 * (nominal.uniform() - 0.5));
        return options.map((_, k) => Math.exp(-(k === choices[m % choices.length] ? 0 : apart) / (2 * noise ** 2)));
      }
      const on = (place[m]! * last) / (modes - 1);
      const location = distance * on + (1 - distance) * (last / 2) + distance * 0.3 * (rng.uniform() - 0.5);
      return options.map((_, k) => Math.exp(-((k - location) ** 2) / (2 * noise ** 2)));
    };
    questions[id] = {
      options: [...options],
      ...(!ordered && { ordered: false as const }),
      modes: Array.from({ length: modes }, (_, m) => withUniform(normalised(ofMode(m)), uniformShare)),
    };
  }
  return questions;
}

/** A mixture over the modes for each name; every mode is the peak of equally many names, as nearly as can be. */
function peakedMixtures(names: readonly string[], spec: PlantedSpec, rng: Rng): Record<string, number[]> {
  const peaks = rng.shuffle(names.map((_, i) => i % spec.modes));
  return Object.fromEntries(names.map((name, i) => [name, peaked(peaks[i]!, spec)]));
}

function peaked(mode: number, { modes, peak }: PlantedSpec): number[] {
  const rest = (1 - peak) / (modes - 1);
  return Array.from({ length: modes }, (_, m) => (m === mode ? peak : rest));
}

/** A number of combinations is drawn by walking their grid diagonally, so that they spread over both attributes. */
function heldOutPairs(spec: PlantedSpec, rng: Rng): Set<string> {
  const { heldOut } = spec;
  if (typeof heldOut !== "number") return new Set(heldOut.map(({ country, religion }) => `${country}\t${religion}`));
  const countries = rng.shuffle(COUNTRIES.slice(0, spec.countries));
  const religions = rng.shuffle(RELIGIONS.slice(0, spec.religions));
  const [longer, shorter] = countries.length >= religions.length ? [countries, religions] : [religions, countries];
  return new Set(
    Array.from({ length: heldOut }, (_, i) => {
      const at = i % longer.length;
      const pair = [longer[at]!, shorter[(at + Math.floor(i / longer.length)) % shorter.length]!];
      return (longer === countries ? pair : pair.reverse()).join("\t");
    }),
  );
}
