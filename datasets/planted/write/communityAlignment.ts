import { delimitedLine } from "../../../src/core/tables/quoting.ts";
import { Rng } from "../../../src/core/util/index.ts";
import { writeJson, writeText } from "./files.ts";
import type { Truth } from "../model.ts";
import type { Person } from "../people.ts";
import { drawJudgements, preferenceTruth, type PlantedPrompt } from "./preferences.ts";
import { SPLITS, type PlantedSpec, type Split } from "../spec.ts";

const TURNS = ["first", "second", "third", "fourth"];
const LETTERS = ["a", "b", "c", "d"];
const COLUMNS = [
  "conversation_id",
  "assigned_lang",
  "annotator_id",
  ...TURNS.flatMap((turn) => [
    `${turn}_turn_prompt`,
    ...LETTERS.map((letter) => `${turn}_turn_response_${letter}`),
    `${turn}_turn_preferred_response`,
    `${turn}_turn_feedback`,
  ]),
  "annotator_age",
  "annotator_gender",
  "annotator_education_level",
  "annotator_political",
  "annotator_ethnicity",
  "annotator_country",
  "is_pregenerated_first_prompt",
  "in_balanced_subset",
  "in_balanced_subset_10",
  "wave",
];

/** The schema's words for the survey's. */
const WORDS: Readonly<Record<string, string>> = {
  "16-24 years": "18-34",
  "25-34 years": "18-34",
  "35-44 years": "35-45",
  "45-54 years": "46-54",
  "55-64 years": "55+",
  "65 and over": "55+",
  Primary: "(At most) Complete Secondary",
  Secondary: "Some post-secondary",
  University: "Some or complete graduate degree",
};
const POLITICAL = ["Very left-leaning", "Somewhat left-leaning", "Somewhat right-leaning", "Very right-leaning"];

/**
 * Writes the people's preferences in the schema of Community Alignment (arXiv 2507.09650):
 * `community_alignment.csv` and `truth_community_alignment.json`. A conversation is one turn, whose responses a to d are
 * the candidates in their order. The schema has no religion: the planted one is the `annotator_ethnicity`, whose values
 * are each country's own. Political views are uniform and tell nothing.
 */
export function writeCommunityAlignment(
  out: string,
  prompts: readonly PlantedPrompt[],
  truth: Truth,
  people: Readonly<Record<Split, readonly Person[]>>,
  spec: PlantedSpec,
): void {
  const rows = [COLUMNS];
  for (const { id, group, demographics } of SPLITS.flatMap((split) => people[split])) {
    const rng = new Rng(spec.seed, "planted", "communityAlignment", id);
    const annotator: Record<string, string> = {
      annotator_id: id,
      annotator_age: WORDS[demographics.X003R]!,
      annotator_gender: demographics.Q260.toLowerCase(),
      annotator_education_level: WORDS[demographics.Q275]!,
      annotator_political: POLITICAL[rng.below(POLITICAL.length)]!,
      annotator_ethnicity: group.religion,
      annotator_country: group.country.toLowerCase(),
    };
    for (const { prompt, chosen } of drawJudgements(prompts, group.mixture, spec, rng)) {
      const row: Record<string, string> = {
        ...annotator,
        conversation_id: String(rows.length),
        assigned_lang: "en",
        first_turn_prompt: prompt.prompt,
        first_turn_preferred_response: `response_${LETTERS[chosen]!}`,
        is_pregenerated_first_prompt: "True",
        in_balanced_subset: "True",
        in_balanced_subset_10: "True",
        wave: "1",
      };
      for (const [j, letter] of LETTERS.entries()) row[`first_turn_response_${letter}`] = prompt.candidates[j]!;
      rows.push(COLUMNS.map((column) => row[column] ?? ""));
    }
  }
  writeText(out, "community_alignment.csv", rows.map((row) => delimitedLine(row, ",")).join(""));
  writeJson(
    out,
    "truth_community_alignment.json",
    preferenceTruth(prompts, truth, people, {
      country: { field: "annotator_country", value: (country) => country.toLowerCase() },
      religion: { field: "annotator_ethnicity", value: (religion) => religion },
      userId: ({ id }) => id,
    }),
  );
}
