import { Rng } from "../../../src/core/util/index.ts";
import { writeJson, writeJsonLines } from "./files.ts";
import type { Truth } from "../model.ts";
import type { Person } from "../people.ts";
import { drawJudgements, preferenceTruth, type PlantedPrompt } from "./preferences.ts";
import { PRISM_RELIGIONS, SPLITS, type PlantedSpec, type Split } from "../spec.ts";
import { RELIGIONS } from "../words.ts";

const EMPTY = "EMPTY STRING";
const NOT_SAID = "Prefer not to say";
const TYPES = ["unguided", "values guided", "controversy guided"];
const PREFERENCES = "values|creativity|fluency|factuality|diversity|safety|personalisation|helpfulness".split("|");
const ATTRIBUTES = "values|fluency|factuality|safety|diversity|creativity|helpfulness".split("|");

/** PRISM's words for the survey's. */
const WORDS: Readonly<Record<string, string>> = {
  "16-24 years": "18-24 years old",
  "25-34 years": "25-34 years old",
  "35-44 years": "35-44 years old",
  "45-54 years": "45-54 years old",
  "55-64 years": "55-64 years old",
  "65 and over": "65+ years old",
  Primary: "Completed Primary School",
  Secondary: "Completed Secondary School",
  University: "University Bachelors Degree",
  "Full time": "Working full-time",
  "Part time": "Working part-time",
  Divorced: "Divorced / Separated",
  Single: "Never been married",
};
const word = (text: string): string => WORDS[text] ?? text;

/**
 * The vocabulary's name for a planted religion, which stands in `religion.simplified` and `.categorised` so that the
 * group can be told; the planted name is in `religion.self_described`. It is a label by position and says nothing about
 * people of that religion.
 */
const religionOf = (religion: string): string => PRISM_RELIGIONS[RELIGIONS.indexOf(religion)]!;
const userId = ({ id }: Person): string => `user${id}`;

/**
 * Writes the people's preferences in PRISM's schema (Kirk et al. 2024, arXiv 2404.16019): `survey.jsonl`,
 * `conversations.jsonl`, `utterances.jsonl`, and `truth_prism.json`. A conversation is one turn of four candidates
 * (`within_turn_id` is the candidate's index), of which the chosen one has the highest score. Stated preferences and
 * attributes are uniform and tell nothing.
 */
export function writePrism(
  out: string,
  prompts: readonly PlantedPrompt[],
  truth: Truth,
  people: Readonly<Record<Split, readonly Person[]>>,
  spec: PlantedSpec,
): void {
  const survey: unknown[] = [];
  const conversations: unknown[] = [];
  const utterances: unknown[] = [];
  for (const person of SPLITS.flatMap((split) => people[split])) {
    const rng = new Rng(spec.seed, "planted", "prism", person.id);
    survey.push(surveyRow(person, spec, rng));
    for (const { prompt, chosen, scores } of drawJudgements(prompts, person.group.mixture, spec, rng)) {
      const shared = {
        user_id: userId(person),
        conversation_id: `c${conversations.length}`,
        conversation_type: TYPES[rng.below(TYPES.length)]!,
        included_in_balanced_subset: true,
      };
      const responses = prompt.candidates.map((text, j) => ({
        text,
        model_name: `planted-${j}`,
        model_provider: "planted",
        score: scores[j]!,
        if_chosen: j === chosen,
        within_turn_id: j,
      }));
      conversations.push({
        ...shared,
        opening_prompt: prompt.prompt,
        conversation_turns: 1,
        conversation_history: [
          { turn: 0, role: "user", content: prompt.prompt },
          ...responses.map(({ text, ...rest }) => ({ turn: 0, role: "model", content: text, ...rest })),
        ],
        performance_attributes: ratings(ATTRIBUTES, rng),
        choice_attributes: ratings(ATTRIBUTES, rng),
        open_feedback: EMPTY,
      });
      for (const { text, ...rest } of responses) {
        utterances.push({
          utterance_id: `ut${utterances.length}`,
          interaction_id: `int${conversations.length - 1}`,
          ...shared,
          turn: 0,
          user_prompt: prompt.prompt,
          model_response: text,
          ...rest,
        });
      }
    }
  }
  writeJsonLines(out, "survey.jsonl", survey);
  writeJsonLines(out, "conversations.jsonl", conversations);
  writeJsonLines(out, "utterances.jsonl", utterances);
  writeJson(
    out,
    "truth_prism.json",
    preferenceTruth(prompts, truth, people, {
      country: { field: "location.reside_country", value: (country) => country },
      religion: { field: "religion.simplified", value: religionOf },
      userId,
    }),
  );
}

function surveyRow(person: Person, { conversations }: PlantedSpec, rng: Rng): Record<string, unknown> {
  const { demographics, group } = person;
  const religion = religionOf(group.religion);
  const iso = group.country.slice(0, 3).toUpperCase();
  return {
    user_id: userId(person),
    survey_only: false,
    num_completed_conversations: conversations,
    lm_familiarity: "Somewhat familiar",
    stated_prefs: { ...ratings(PREFERENCES, rng), other: null, other_text: null },
    self_description: EMPTY,
    system_string: EMPTY,
    age: word(demographics.X003R),
    gender: demographics.Q260,
    employment_status: word(demographics.Q279),
    education: word(demographics.Q275),
    marital_status: word(demographics.Q273),
    english_proficiency: "Native speaker",
    study_locale: "planted",
    religion: { self_described: group.religion, categorised: religion, simplified: religion },
    ethnicity: { self_described: NOT_SAID, categorised: NOT_SAID, simplified: NOT_SAID },
    location: {
      birth_country: group.country,
      birth_countryISO: iso,
      birth_region: "Planted",
      birth_subregion: "Planted",
      reside_country: group.country,
      reside_countryISO: iso,
      reside_region: "Planted",
      reside_subregion: "Planted",
      same_birth_reside_country: "Yes",
      special_region: group.country,
    },
    included_in_balanced_subset: true,
  };
}

function ratings(names: readonly string[], rng: Rng): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, rng.below(101)]));
}
