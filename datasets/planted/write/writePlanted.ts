import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { checkConfig } from "../../../src/core/config/index.ts";
import { OutFolder, readJson } from "../../../src/core/io/index.ts";
import { checkArgument } from "../../../src/core/util/index.ts";
import { plantedOutSchema } from "../../arguments.ts";
import { writeCommunityAlignment } from "./communityAlignment.ts";
import { writeJson } from "./files.ts";
import { TRUTH_FILE } from "../loadPlanted.ts";
import { drawTruth, plantedQuestions } from "../model.ts";
import { drawPeople } from "../people.ts";
import { drawPrompts } from "./preferences.ts";
import { writePrism } from "./prism.ts";
import { plantedSpecSchema, SPLITS, type PlantedSpecInput, type Split } from "../spec.ts";
import { writeSurvey } from "./survey.ts";

export { loadPlanted, plantedTruth, type PlantedBench, type PlantedTruth } from "../loadPlanted.ts";
export { plantedSpecSchema, type PlantedSpec, type PlantedSpecInput } from "../spec.ts";

/** What is written in each schema, by the file of its truth, by which a folder is known to hold it. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  [TRUTH_FILE]: [
    ...["question_metadata.json", "codebook.json", "answer_adjustment.json"],
    ...SPLITS.flatMap((split) =>
      [`${split}_demographic_qa.tsv`, `${split}_value_qa.tsv`].map((name) => join(split, name)),
    ),
  ],
  "truth_prism.json": ["survey.jsonl", "conversations.jsonl", "utterances.jsonl"],
  "truth_community_alignment.json": ["community_alignment.csv"],
};

/** Whether a path in a folder of planted data is of a file that `writePlanted` writes. */
export function isPlantedFile(path: string): boolean {
  return Object.entries(FILES).some(([truth, names]) => path === truth || names.includes(path));
}

const truthSchema = z.looseObject({ format: z.string().startsWith("cuma-planted") });

function ours(folder: string): string[] {
  return Object.entries(FILES)
    .filter(([truth]) => isPlantedTruth(join(folder, truth)))
    .flatMap(([truth, names]) => [truth, ...names])
    .filter((name) => existsSync(join(folder, name)));
}

function isPlantedTruth(path: string): boolean {
  try {
    return truthSchema.safeParse(readJson(path)).success;
  } catch {
    return false;
  }
}

export interface PlantedOptions extends PlantedSpecInput {
  /** Folder to write; made when absent. */
  readonly out: string;
  /** Replace the planted data in a folder; other files in it stay. */
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
export function writePlanted(options: PlantedOptions): Record<Split, number> {
  checkArgument("options", plantedOutSchema, options);
  const { out, overwrite = false, ...knobs } = options;
  const spec = checkConfig({ value: knobs, where: () => "planted data" }, plantedSpecSchema);
  const folder = OutFolder.take(out, overwrite ? "overwrite" : "new", { ours, last: TRUTH_FILE, aside: true });
  try {
    const drawn = plantedQuestions(spec);
    const truth = drawTruth(drawn, spec);
    const asked = drawn.slice(spec.skip);
    const people = drawPeople(truth, asked, spec);
    folder.begin();
    const { dir } = folder;
    writeSurvey(dir, asked, people, spec);
    if (spec.schemas.length > 1) {
      const prompts = drawPrompts(spec);
      if (spec.schemas.includes("prism")) writePrism(dir, prompts, truth, people, spec);
      if (spec.schemas.includes("community-alignment")) writeCommunityAlignment(dir, prompts, truth, people, spec);
    }
    writeJson(dir, TRUTH_FILE, truth);
    folder.complete();
    return { train: people.train.length, valid: people.valid.length, test: people.test.length };
  } finally {
    folder.release();
  }
}
