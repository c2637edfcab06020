import { join } from "node:path";
import { sha256File } from "../../src/core/io/index.ts";
import type { Profile } from "../../src/core/text/index.ts";
import { CumaError, excerpt, show } from "../../src/core/util/index.ts";
import { checkFolder, checkLoading } from "../arguments.ts";
import type { ChoiceExample } from "../choiceExample.ts";
import {
  loadWorldValuesBench,
  type WorldValuesBench,
  type WorldValuesBenchOptions,
} from "../worldValuesBench/loadWorldValuesBench.ts";
import { distributionOf, groupFinder, readTruth, type Truth } from "./model.ts";

export const TRUTH_FILE = "truth.json";

/** What the planted data was drawn from. */
export interface PlantedTruth {
  /**
   * True probabilities of the question's options (sum 1) in the group of the profile's country and religion.
   * @throws CumaError for an unknown question, and where the profile names no planted country and religion.
   */
  distribution(questionId: string, profile: Profile): number[];
  /** Whether the profile's combination occurs in the test split only. @throws CumaError as `distribution`. */
  isHeldOut(profile: Profile): boolean;
}

/**
 * Reads `truth.json` of a folder that `writePlanted` wrote.
 * @throws CumaError naming the file, and the field where it has another form.
 */
export function plantedTruth(dir: string): PlantedTruth {
  checkFolder(dir);
  const path = join(dir, TRUTH_FILE);
  const truth = readTruth(path);
  const find = groupFinder(path, truth.groups);
  return {
    distribution: (questionId, profile) => [...distributionOf(path, truth, find(profile), questionId)],
    isHeldOut: (profile) => find(profile).heldOut,
  };
}

export interface PlantedBench extends WorldValuesBench {
  /** As of `PlantedTruth`. */
  isHeldOut(profile: Profile): boolean;
}

/**
 * Loads a split of planted data, the examples of `loadWorldValuesBench` beside the truth:
 *
 * | split       | answers: sampled            | answers: distribution              |
 * | ----------- | --------------------------- | ---------------------------------- |
 * | train,valid | `answer`; `target` null     | `answer` null; `target` the truth  |
 * | test        | `answer`; `target` the truth | `answer`; `target` the truth       |
 *
 * The truth is the exact distribution of the group that the profile's country and religion make, so that evaluation
 * measures the distance to it and not to a sample. Where training has distributions it needs `train.labels: soft`.
 * Nominal questions have `ordered` false.
 *
 * @throws CumaError naming file, line and field for anything that is not as described: also where truth.json tells of
 * other questions or options than the survey, and on access where a profile has no planted country and religion.
 */
export async function loadPlanted(
  dir: string,
  split: string,
  options: WorldValuesBenchOptions = {},
): Promise<PlantedBench> {
  checkLoading(dir, split, options);
  const path = join(dir, TRUTH_FILE);
  const truth = readTruth(path);
  const data = await loadWorldValuesBench(dir, split, options);
  checkTruth(path, truth, data);
  const find = groupFinder(path, truth.groups);
  const exact = truth.spec?.answers === "distribution";
  const complete = (example: ChoiceExample): ChoiceExample => {
    const { questionId, profile } = example;
    const ordered = truth.questions[questionId]!.ordered !== false;
    const target = find(profile).distributions[questionId]!;
    if (split === "test") return { ...example, ordered, target };
    return exact ? { ...example, ordered, answer: null, target } : { ...example, ordered };
  };
  return {
    ...data,
    at: (index) => complete(data.at(index)),
    find(questionId, participantId) {
      const example = data.find(questionId, participantId);
      return example && complete(example);
    },
    files: { ...data.files, [TRUTH_FILE]: await sha256File(path) },
    known: [...data.known, ...truth.groups.map(({ country, religion }) => ({ country, religion }))],
    isHeldOut: (profile) => find(profile).heldOut,
  };
}

/** @throws CumaError where a loaded question has no distribution over its options in every group. */
function checkTruth(path: string, truth: Truth, { questions }: WorldValuesBench): void {
  for (const { id, options } of questions) {
    const found = Object.hasOwn(truth.questions, id) ? truth.questions[id]!.options : undefined;
    if (JSON.stringify(found) !== JSON.stringify(options)) {
      throw new CumaError(
        `${path}: "questions.${excerpt(id)}.options": expected those of the survey, ${show(options)}; found ${show(found)}`,
      );
    }
    for (const [i, group] of truth.groups.entries()) {
      const values = distributionOf(path, truth, group, id);
      const sum = values.reduce((total, p) => total + p, 0);
      if (values.length === options.length && values.every((p) => p >= 0) && Math.abs(sum - 1) < 1e-6) continue;
      throw new CumaError(
        `${path}: "groups.${i}.distributions.${excerpt(id)}": expected ${options.length} probabilities of sum 1; found ${show(values)}`,
      );
    }
  }
}
