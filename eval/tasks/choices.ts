import { createHash } from "node:crypto";
import { join } from "node:path";
import type { ChoiceExample, Source } from "../../datasets/index.ts";
import { normaliseLogLikelihoods } from "../../src/core/inference/distribution.ts";
import { profileText, type Profile } from "../../src/core/text/profile.ts";
import { evaluate } from "../predictions/evaluate.ts";
import { writePredictions } from "../predictions/predictionsFile.ts";
import { selectRows, type PredictionTable } from "../predictions/predictionTable.ts";
import { PredictionTableBuilder } from "../predictions/predictionTableBuilder.ts";
import type { Chunk, EvalTask } from "./task.ts";

/** Questions of a chunk: a second or a few on a laptop. */
const CHUNK = 64;

export const PREDICTIONS_FILE = "predictions.parquet";

/** The distinct questions put to the people of one profile, or some of them. */
interface Group {
  /** The examples that ask each question, by position in the source. */
  readonly cells: readonly (readonly number[])[];
}

export interface ChoiceChunk extends Chunk {
  readonly groups: readonly Group[];
}

/** Distributions of one chunk: by group, question and option. */
export type ChunkDistributions = readonly (readonly (readonly number[])[])[];

/**
 * Questions with fixed options: a model's distribution over the options is the softmax of the log-likelihoods of the
 * answers. What is asked twice is computed once, and what one person is asked stands together, so that prompts can
 * share their beginnings. The table is one of predictions, an example a row, in the order of the source.
 */
export const choices: EvalTask<ChoiceExample, ChoiceChunk, ChunkDistributions, PredictionTable> = {
  plan(source, told) {
    return chunked(groupsOf(source, told));
  },

  async answer({ groups }, source, respondent) {
    const people = groups.map(({ cells }) => cells.map(([first]) => source.at(first!)));
    const found = await respondent.logLikelihoods(people);
    return found.map((questions) => questions.map(normaliseLogLikelihoods));
  },

  isAnswer({ groups }, source, found): found is ChunkDistributions {
    return isListOf(found, groups, (ofGroup, { cells }) =>
      isListOf(ofGroup, cells, (p, [first]) => isListOf(p, source.at(first!).options, isProbability)),
    );
  },

  table(source, answered) {
    const distributions = new Array<readonly number[]>(source.length);
    for (const { chunk, answers } of answered) {
      for (const [g, { cells }] of chunk.groups.entries()) {
        for (const [c, examples] of cells.entries()) {
          for (const example of examples) distributions[example] = answers[g]![c]!;
        }
      }
    }
    const builder = new PredictionTableBuilder();
    for (const [i, probabilities] of distributions.entries()) {
      const { id, ...example } = source.at(i);
      builder.add({ ...example, exampleId: id, probabilities });
    }
    return builder.build();
  },

  measure(table, { by, cluster, resamples, permutations, seed }) {
    return {
      samples: {
        examples: table.rows,
        participants: table.participant.values.length,
        questions: table.questions.length,
      },
      metrics: evaluate(table, { ...(by && { by }), ...(cluster && { cluster }), resamples, permutations, seed }),
    };
  },

  select: selectRows,

  describe(source) {
    const texts = new Map<string, string>();
    for (let i = 0; i < source.length; i++) {
      const { questionId, question } = source.at(i);
      texts.set(questionId, question);
    }
    return { questions: Object.fromEntries(texts) };
  },

  files: [PREDICTIONS_FILE],

  write(folder, table, metadata) {
    writePredictions(join(folder, PREDICTIONS_FILE), table, metadata);
  },
};

/** What the people of one profile are asked. */
interface Asked {
  readonly profile: string;
  /** Questions by id, and the examples that ask them. */
  readonly questions: Map<string, number[]>;
}

/** By profile, as far as the model is told of it. */
function groupsOf(source: Source<ChoiceExample>, told: (profile: Profile) => Profile): Asked[] {
  const groups = new Map<string, Asked>();
  for (let i = 0; i < source.length; i++) {
    const { profile: whole, questionId } = source.at(i);
    const profile = profileText(told(whole));
    let group = groups.get(profile);
    if (!group) groups.set(profile, (group = { profile, questions: new Map() }));
    const examples = group.questions.get(questionId);
    if (examples) examples.push(i);
    else group.questions.set(questionId, [i]);
  }
  return [...groups.values()];
}

/** Groups one after the other until a chunk is full; a group of many questions is cut. */
function chunked(groups: readonly Asked[]): ChoiceChunk[] {
  const chunks: { readonly groups: Group[]; readonly asks: unknown[]; questions: number }[] = [];
  for (const { profile, questions } of groups) {
    const all = [...questions];
    for (let at = 0; at < all.length; at += CHUNK) {
      const part = all.slice(at, at + CHUNK);
      let chunk = chunks.at(-1);
      if (!chunk || chunk.questions + part.length > CHUNK) {
        chunks.push((chunk = { groups: [], asks: [], questions: 0 }));
      }
      chunk.groups.push({ cells: part.map(([, examples]) => examples) });
      chunk.asks.push([profile, part.map(([id]) => id)]);
      chunk.questions += part.length;
    }
  }
  return chunks.map(({ groups, asks, questions }) => ({ key: keyOf(asks), groups, questions }));
}

/** A short text that stands for who is asked what. */
function keyOf(asks: unknown): string {
  return createHash("sha256").update(JSON.stringify(asks)).digest("hex").slice(0, 16);
}

/** Whether something is a list with an element for each of `expected`, as `isRight` has it. */
function isListOf<T>(
  found: unknown,
  expected: readonly T[],
  isRight: (element: unknown, expected: T) => boolean,
): boolean {
  return (
    Array.isArray(found) &&
    found.length === expected.length &&
    expected.every((item, i) => isRight((found as unknown[])[i], item))
  );
}

function isProbability(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 1;
}
