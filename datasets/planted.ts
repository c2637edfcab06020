import { checkConfig } from "../src/config/index.ts";
import { takeFolder } from "../src/io/index.ts";
import { writeCommunityAlignment } from "./planted/communityAlignment.ts";
import { writeJson } from "./planted/files.ts";
import { TRUTH_FILE } from "./planted/load.ts";
import { drawTruth, plantedQuestions } from "./planted/model.ts";
import { drawPeople } from "./planted/people.ts";
import { drawPrompts } from "./planted/preferences.ts";
import { writePrism } from "./planted/prism.ts";
import { plantedSpecSchema, type PlantedSpecInput, type Split } from "./planted/spec.ts";
import { writeSurvey } from "./planted/survey.ts";

export { loadPlanted, plantedTruth, type PlantedBench, type PlantedTruth } from "./planted/load.ts";
export { plantedSpecSchema, type PlantedSpec, type PlantedSpecInput } from "./planted/spec.ts";

/** What is written, and replaced. */
const OURS =
  /^(question_metadata\.json|codebook\.json|answer_adjustment\.json|truth(_prism|_community_alignment)?\.json|train|valid|test|(survey|conversations|utterances)\.jsonl|community_alignment\.csv)$/;

export interface PlantedOptions extends PlantedSpecInput {
  /** Folder to write; made when absent. */
  readonly out: string;
  /** Write over a folder that has files in it; files of other names stay. */
  readonly overwrite?: boolean;
}

/**
 * Writes synthetic survey data in the layout of WorldValuesBench: `question_metadata.json`, `codebook.json`,
 * `answer_adjustment.json`, `{split}/{split}_{demographic,value}_qa.tsv` for train, valid and test, and `truth.json`
 * with what the answers were drawn from; where the spec's `schemas` ask for them, the same people's preferences as PRISM
 * (`survey.jsonl`, `conversations.jsonl`, `utterances.jsonl`, `truth_prism.json`) and as Community Alignment
 * (`community_alignment.csv`, `truth_community_alignment.json`). Equal options give equal bytes.
 *
 * Model, with M latent modes m and K options k of a question q; d, s, u, w are the spec's `distance`, `noise`,
 * `uniformShare` and interaction weight (0 where mixing is additive), a the `countryShare`, [.] is 1 where it holds:
 * ```
 * ordered:  P(k | q, m) ~ exp(-(k - mu_qm)^2 / (2 s^2))
 *           mu_qm = d (pi_m (K-1)/(M-1) + e_qm) + (1-d) (K-1)/2
 *           pi a permutation of 0 .. M-1 that questions of one category share, e_qm uniform in [-0.15, 0.15)
 * nominal:  P(k | q, m) ~ exp(-d (1 + e_qm) [k is not m's option] / (2 s^2))     m's option: shared by a category
 * both:     (1-u) P(k | q, m) + u / K
 * P(m | c), P(m | r), P(m | c, r)   `peak` on the one mode of the country c, the religion r, the combination; the others
 *                                   share the rest equally; countries (religions) share the modes out evenly, the
 *                                   combination's mode is drawn independently
 * P(m | group) = (1-w) (a P(m | c) + (1-a) P(m | r)) + w P(m | c, r)
 * P(k | q, group) = sum_m P(m | group) P(k | q, m)
 * ```
 * With w = 1 nothing about a held-out combination follows from its country and its religion.
 * A participant's answers are independent given the group. Groups are dealt out evenly within a split, held-out ones
 * first; age, gender, education, marital status and employment are uniform and tell nothing; ethnicity is blank.
 * Preferences: see `drawPrompts`. Knobs and their defaults: see `plantedSpecSchema`.
 *
 * @returns the numbers of participants.
 * @throws UsageError where a knob is unknown, out of range or cannot be had with another, before anything is written;
 * CumaError where the folder has files and `overwrite` is not given, or a file cannot be written.
 */
export function writePlanted({ out, overwrite = false, ...knobs }: PlantedOptions): Record<Split, number> {
  const spec = checkConfig({ value: knobs, where: () => "planted data" }, plantedSpecSchema);
  const unlock = takeFolder(out, overwrite ? "overwrite" : "new", OURS);
  try {
    const drawn = plantedQuestions(spec);
    const truth = drawTruth(drawn, spec);
    const asked = drawn.slice(spec.skip);
    const people = drawPeople(truth, asked, spec);
    writeSurvey(out, asked, people, spec);
    if (spec.schemas.length > 1) {
      const prompts = drawPrompts(spec);
      if (spec.schemas.includes("prism")) writePrism(out, prompts, truth, people, spec);
      if (spec.schemas.includes("community-alignment")) writeCommunityAlignment(out, prompts, truth, people, spec);
    }
    writeJson(out, TRUTH_FILE, truth);
    return { train: people.train.length, valid: people.valid.length, test: people.test.length };
  } finally {
    unlock();
  }
}
