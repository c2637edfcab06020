import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { loadPlanted, writePlanted, type PlantedSpecInput } from "../../datasets/index.ts";

// The schemas below are those of the two data sets as their publishers have them, not of what is written here.

const text = z.string().min(1);
const percent = z.int().min(0).max(100);
const NOT_SAID = "Prefer not to say";
const described = <T extends z.ZodType>(simplified: T) =>
  z.strictObject({ self_described: text, categorised: text, simplified });

const prismSurvey = z.strictObject({
  user_id: text,
  survey_only: z.boolean(),
  num_completed_conversations: z.int().nonnegative(),
  lm_familiarity: z.enum(["Not familiar at all", "Somewhat familiar", "Very familiar"]),
  stated_prefs: z.strictObject({
    values: percent,
    creativity: percent,
    fluency: percent,
    factuality: percent,
    diversity: percent,
    safety: percent,
    personalisation: percent,
    helpfulness: percent,
    other: percent.nullable(),
    other_text: z.string().nullable(),
  }),
  self_description: text,
  system_string: text,
  age: z.enum([...["18-24", "25-34", "35-44", "45-54", "55-64", "65+"].map((age) => `${age} years old`), NOT_SAID]),
  education: text,
  employment_status: text,
  marital_status: text,
  english_proficiency: text,
  gender: z.enum(["Male", "Female", "Non-binary / third gender", NOT_SAID]),
  religion: described(z.enum(["No Affiliation", "Christian", "Jewish", "Muslim", "Other", NOT_SAID])),
  ethnicity: described(z.enum(["White", "Black", "Hispanic", "Asian", "Mixed", "Other", NOT_SAID])),
  location: z.looseObject({
    birth_country: text,
    birth_countryISO: z.string().regex(/^[A-Z]{3}$/),
    birth_subregion: text,
    reside_country: text,
    reside_countryISO: z.string().regex(/^[A-Z]{3}$/),
    reside_subregion: text,
    special_region: text,
  }),
  study_locale: text,
  included_in_balanced_subset: z.boolean(),
});

const rated = { model_name: text, model_provider: text, score: z.int().min(1).max(100), if_chosen: z.boolean() };
const place = { within_turn_id: z.int().min(0).max(3) };
const type = z.enum(["unguided", "values guided", "controversy guided"]);
const prismConversation = z.strictObject({
  user_id: text,
  conversation_id: text,
  opening_prompt: text,
  conversation_type: type,
  conversation_turns: z.int().positive(),
  conversation_history: z.array(
    z.discriminatedUnion("role", [
      z.strictObject({ turn: z.int(), role: z.literal("user"), content: text }),
      z.strictObject({ turn: z.int(), role: z.literal("model"), content: text, ...rated, ...place }),
    ]),
  ),
  performance_attributes: z.record(z.string(), percent),
  choice_attributes: z.record(z.string(), percent),
  open_feedback: text,
  included_in_balanced_subset: z.boolean(),
});

const prismUtterance = z.strictObject({
  utterance_id: text,
  interaction_id: text,
  conversation_id: text,
  user_id: text,
  turn: z.int().nonnegative(),
  conversation_type: type,
  user_prompt: text,
  model_response: text,
  ...rated,
  ...place,
  included_in_balanced_subset: z.boolean(),
});

const flag = z.enum(["True", "False"]);
const none = z.literal("");
const letters = ["a", "b", "c", "d"];
const preferred = z.enum(letters.map((letter) => `response_${letter}`));
const turn = (name: string, filled: boolean) => ({
  [`${name}_turn_prompt`]: filled ? text : none,
  ...Object.fromEntries(letters.map((letter) => [`${name}_turn_response_${letter}`, filled ? text : none])),
  [`${name}_turn_preferred_response`]: filled ? preferred : none,
  [`${name}_turn_feedback`]: z.string(),
});
const communityAlignment = z.strictObject({
  conversation_id: text,
  assigned_lang: z.literal("en"),
  annotator_id: text,
  ...turn("first", true),
  ...turn("second", false),
  ...turn("third", false),
  ...turn("fourth", false),
  annotator_age: z.enum(["18-34", "35-45", "46-54", "55+"]),
  annotator_gender: text,
  annotator_education_level: text,
  annotator_political: text,
  annotator_ethnicity: text,
  annotator_country: z.string().regex(/^[a-z ]+$/),
  is_pregenerated_first_prompt: flag,
  in_balanced_subset: flag,
  in_balanced_subset_10: flag,
  wave: z.string().regex(/^\d+$/),
});

const numbers = z.array(z.number());
const truthSchema = z.strictObject({
  format: z.literal("cuma-planted-preferences"),
  seed: z.int(),
  spec: z.looseObject({}),
  fields: z.strictObject({ country: text, religion: text }),
  prompts: z.record(
    z.string(),
    z.strictObject({
      prompt: text,
      candidates: z.array(text).length(4),
      stances: z.array(z.int()).length(4),
      utilities: z.array(numbers.length(4)),
      modes: z.array(numbers.length(4)),
    }),
  ),
  groups: z.array(
    z.strictObject({
      country: text,
      religion: text,
      heldOut: z.boolean(),
      mixture: numbers,
      distributions: z.record(z.string(), numbers.length(4)),
    }),
  ),
  splits: z.strictObject({ train: z.array(text), valid: z.array(text), test: z.array(text) }),
});
type PreferenceTruth = z.infer<typeof truthSchema>;

let root: string;
beforeAll(() => (root = mkdtempSync(join(tmpdir(), "cuma-planted-preferences-"))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const sum = (values: readonly number[]) => values.reduce((total, x) => total + x, 0);
const read = (dir: string, name: string) => readFileSync(join(dir, name), "utf8");
const lines = <T>(dir: string, name: string, schema: z.ZodType<T>): T[] =>
  read(dir, name)
    .trimEnd()
    .split("\n")
    .map((line) => schema.parse(JSON.parse(line)));
const truthOf = (dir: string, name: string) => truthSchema.parse(JSON.parse(read(dir, `truth_${name}.json`)));

/** One choice, as both schemas have it. */
interface Choice {
  readonly person: string;
  readonly country: string;
  readonly religion: string;
  readonly prompt: string;
  readonly candidates: readonly string[];
  readonly chosen: number;
}

function prismChoices(dir: string): Choice[] {
  const people = new Map(lines(dir, "survey.jsonl", prismSurvey).map((person) => [person.user_id, person]));
  return lines(dir, "conversations.jsonl", prismConversation).map(
    ({ user_id, opening_prompt, conversation_history }) => {
      const { location, religion } = people.get(user_id)!;
      const models = conversation_history.filter((message) => message.role === "model");
      return {
        person: user_id,
        country: location.reside_country,
        religion: religion.simplified,
        prompt: opening_prompt,
        candidates: models.map(({ content }) => content),
        chosen: models.findIndex(({ if_chosen }) => if_chosen),
      };
    },
  );
}

function communityChoices(dir: string): Choice[] {
  const rows = parse(read(dir, "community_alignment.csv"), { columns: true });
  return rows.map((record) => {
    const row = communityAlignment.parse(record) as Record<string, string>;
    return {
      person: row["annotator_id"]!,
      country: row["annotator_country"]!,
      religion: row["annotator_ethnicity"]!,
      prompt: row["first_turn_prompt"]!,
      candidates: letters.map((letter) => row[`first_turn_response_${letter}`]!),
      chosen: letters.indexOf(row["first_turn_preferred_response"]!.slice(-1)),
    };
  });
}

const schemas = [
  ["prism", prismChoices],
  ["community_alignment", communityChoices],
] as const;
const all: PlantedSpecInput["schemas"] = ["wvb", "prism", "community-alignment"];

describe("the files", () => {
  const spec = { seed: 5, participants: 200, questions: 2, prompts: 6, conversations: 3, schemas: all };
  let dir: string;
  beforeAll(() => {
    dir = join(root, "small");
    writePlanted({ out: dir, ...spec });
  });

  test("PRISM: every conversation has one chosen response, of the highest score, and the same utterances", () => {
    const conversations = lines(dir, "conversations.jsonl", prismConversation);
    const utterances = lines(dir, "utterances.jsonl", prismUtterance);
    expect(conversations).toHaveLength(600);
    expect(utterances).toHaveLength(2400);
    expect(new Set(conversations.map(({ conversation_id }) => conversation_id)).size).toBe(600);
    expect(new Set(utterances.map(({ utterance_id }) => utterance_id)).size).toBe(2400);
    const scores = new Set<number>();
    conversations.forEach(({ conversation_history: [first, ...rest], ...conversation }, i) => {
      expect(first).toEqual({ turn: 0, role: "user", content: conversation.opening_prompt });
      const models = rest.filter((message) => message.role === "model");
      expect(models.map(({ within_turn_id }) => within_turn_id)).toEqual([0, 1, 2, 3]);
      const chosen = models.filter(({ if_chosen }) => if_chosen);
      expect(chosen).toHaveLength(1);
      expect(chosen[0]!.score).toBe(Math.max(...models.map(({ score }) => score)));
      for (const { score } of models) scores.add(score);
      expect(utterances.slice(4 * i, 4 * i + 4)).toMatchObject(
        models.map(({ content, score, if_chosen, within_turn_id, model_name }) => ({
          conversation_id: conversation.conversation_id,
          user_id: conversation.user_id,
          user_prompt: conversation.opening_prompt,
          model_response: content,
          score,
          if_chosen,
          within_turn_id,
          model_name,
        })),
      );
    });
    expect(scores.size).toBeGreaterThan(50);
  });

  test.each(schemas)(
    "%s: everybody judges three prompts, whose candidates are those of the truth",
    (name, choicesOf) => {
      const truth = truthOf(dir, name);
      const byPrompt = new Map(Object.values(truth.prompts).map((prompt) => [prompt.prompt, prompt]));
      const judged = new Map<string, Set<string>>();
      for (const { person, prompt, candidates, chosen } of choicesOf(dir)) {
        expect(candidates).toEqual(byPrompt.get(prompt)!.candidates);
        expect(new Set(candidates).size).toBe(4);
        expect(chosen).toBeGreaterThanOrEqual(0);
        judged.set(person, (judged.get(person) ?? new Set()).add(prompt));
      }
      expect(judged.size).toBe(200);
      for (const prompts of judged.values()) expect(prompts.size).toBe(3);
      const { train, valid, test: tested } = truth.splits;
      expect([...train, ...valid, ...tested].sort()).toEqual([...judged.keys()].sort());
    },
  );

  test.each(schemas)("%s: the people are those of the survey, by split and group", async (name, choicesOf) => {
    const truth = truthOf(dir, name);
    const choices = choicesOf(dir);
    const groups = JSON.parse(read(dir, "truth.json")) as { groups: { country: string; religion: string }[] };
    for (const split of ["train", "valid", "test"] as const) {
      const bench = await loadPlanted(dir, split);
      const survey = new Map<string, number>();
      for (let i = 0; i < bench.length; i++) {
        const { participantId, profile } = bench.at(i);
        const group = groups.groups.findIndex(
          ({ country, religion }) => country === profile["country"] && religion === profile["religion"],
        );
        survey.set(`${name === "prism" ? "user" : ""}${participantId!}`, group);
      }
      expect([...truth.splits[split]].sort()).toEqual([...survey.keys()].sort());
      for (const { person, country, religion } of choices) {
        const group = survey.get(person);
        if (group === undefined) continue;
        expect(truth.groups[group]).toMatchObject({ country, religion });
        if (split !== "test") expect(truth.groups[group]!.heldOut).toBe(false);
      }
    }
    expect(truth.groups.filter(({ heldOut }) => heldOut)).toHaveLength(4);
  });

  test("equal specs give equal bytes, and the survey does not depend on the schemas", () => {
    const [again, survey] = [join(root, "again"), join(root, "survey")];
    writePlanted({ out: again, ...spec });
    writePlanted({ out: survey, ...spec, schemas: ["wvb"] });
    const names = readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
    expect(names).toHaveLength(16);
    for (const name of names) expect(read(again, name) === read(dir, name), name).toBe(true);
    for (const name of names.filter((name) => name.endsWith(".tsv"))) expect(read(survey, name)).toBe(read(dir, name));
    expect(readdirSync(survey).filter((name) => /jsonl|csv|truth_/.test(name))).toEqual([]);
    writePlanted({ out: again, ...spec, schemas: ["wvb"], overwrite: true });
    expect(readdirSync(again)).toEqual(readdirSync(survey));
  });
});

describe.each([
  ["4 modes", {}],
  ["2 modes, uniform share", { modes: 2, uniformShare: 0.4 }],
  ["less noise", { noise: 0.25 }],
  ["6 modes, interacting, less distance", { modes: 6, mixing: "interacting", distance: 0.7 }],
] as const)("%s", (title, knobs) => {
  const { modes = 4, uniformShare = 0, noise = 0.5, distance = 1 }: PlantedSpecInput = knobs;
  let dir: string;
  beforeAll(() => {
    dir = join(root, title);
    const size = { participants: 3000, questions: 1, prompts: 3, conversations: 3, heldOut: 0 };
    writePlanted({ out: dir, seed: 9, ...size, ...knobs, schemas: all });
  });

  test.each(schemas)("%s: the truth is the softmax of the utilities, mixed by mode", (name) => {
    const { prompts, groups } = truthOf(dir, name);
    for (const [id, { stances, utilities, modes: byMode }] of Object.entries(prompts)) {
      expect(new Set(stances).size).toBe(Math.min(modes, 4));
      expect(utilities).toHaveLength(modes);
      utilities.forEach((row, m) => {
        row.forEach((u, j) => {
          // What is left when agreement is taken away is the response's own quality, the same for every mode.
          const quality = u - (stances[j] === m ? 3 * distance : 0);
          expect(Math.abs(quality)).toBeLessThanOrEqual(0.25 + 1e-12);
          expect(quality).toBeCloseTo(utilities[0]![j]! - (stances[j] === 0 ? 3 * distance : 0), 12);
        });
        const weights = row.map((u) => Math.exp(u / (noise / 0.5)));
        row.forEach((_, j) => {
          const p = (1 - uniformShare) * (weights[j]! / sum(weights)) + uniformShare / 4;
          expect(byMode[m]![j]).toBeCloseTo(p, 12);
        });
      });
      for (const { mixture, distributions } of groups) {
        expect(sum(distributions[id]!)).toBeCloseTo(1, 12);
        distributions[id]!.forEach((p, j) => {
          expect(p).toBeCloseTo(sum(mixture.map((weight, m) => weight * byMode[m]![j]!)), 12);
        });
      }
    }
  });

  test.each(schemas)("%s: choices follow the truth", (name, choicesOf) => {
    expect(chiSquareDeviation(truthOf(dir, name), choicesOf(dir))).toBeLessThan(4);
  });

  test("PRISM: a response's mean score rises with its utility", () => {
    const { prompts } = truthOf(dir, "prism");
    const own: number[] = [];
    const other: number[] = [];
    const country = truthOf(dir, "prism").groups;
    const people = new Map(lines(dir, "survey.jsonl", prismSurvey).map((person) => [person.user_id, person]));
    for (const { user_id, opening_prompt, conversation_history } of lines(
      dir,
      "conversations.jsonl",
      prismConversation,
    )) {
      const { location, religion } = people.get(user_id)!;
      const { mixture } = country.find(
        (group) => group.country === location.reside_country && group.religion === religion.simplified,
      )!;
      const { stances } = Object.values(prompts).find(({ prompt }) => prompt === opening_prompt)!;
      const mode = mixture.indexOf(Math.max(...mixture));
      if (mixture[mode]! < 0.9) continue;
      for (const message of conversation_history) {
        if (message.role !== "model") continue;
        (stances[message.within_turn_id] === mode ? own : other).push(message.score);
      }
    }
    const mean = (values: readonly number[]) => sum(values) / values.length;
    expect(own.length).toBeGreaterThan(100);
    // 12 points a unit of utility, 3 d of it in at least 0.9 (1 - u) of the cases; scores end at 100.
    expect(mean(own) - mean(other)).toBeGreaterThan(0.8 * 36 * distance * 0.9 * (1 - uniformShare) * 0.8);
    expect(mean(own) - mean(other)).toBeLessThan(36 * distance);
  });
});

/** By group and prompt, Pearson's statistic of the choices, in standard deviations from its mean. */
function chiSquareDeviation({ prompts, groups }: PreferenceTruth, choices: readonly Choice[]): number {
  const counts = new Map<string, number[]>();
  for (const { country, religion, prompt, chosen } of choices) {
    const key = `${country}, ${religion}: ${prompt}`;
    if (!counts.has(key)) counts.set(key, [0, 0, 0, 0]);
    counts.get(key)![chosen]!++;
  }
  expect(counts.size).toBe(32 * 3);
  let chiSquare = 0;
  for (const { country, religion, distributions } of groups) {
    for (const [id, expected] of Object.entries(distributions)) {
      const found = counts.get(`${country}, ${religion}: ${prompts[id]!.prompt}`)!;
      const n = sum(found);
      expect(n).toBeGreaterThan(80);
      chiSquare += sum(found.map((c, j) => (c - n * expected[j]!) ** 2 / (n * expected[j]!)));
    }
  }
  const freedom = 3 * counts.size;
  return Math.abs(chiSquare - freedom) / Math.sqrt(2 * freedom);
}
