import type { ExampleSource } from "../../datasets/index.ts";
import type { Choice } from "../../src/core/text/choice.ts";
import { profileText, type Profile } from "../../src/core/text/profile.ts";
import { Interrupted } from "../../src/core/util/index.ts";
import { PartialFile, type ChunkDistributions } from "./partial.ts";

/** Questions between two saves: a second or a few on a laptop. */
const CHUNK = 64;

/** What gives distributions over options. */
export interface Scorer {
  /** The part of a profile that it is told: readers who are equal in it get the same distributions. */
  reader(profile: Profile): Profile;
  distributions(
    readers: readonly { readonly profile: Profile; readonly choices: readonly Omit<Choice, "profile">[] }[],
  ): Promise<number[][][]>;
}

export interface PredictHooks {
  readonly signal: AbortSignal;
  /** @param done Questions that an earlier run has answered. */
  onStart(done: number, total: number): void;
  onProgress(done: number, total: number): void;
}

/** The distinct questions put to one reader. */
interface Group {
  readonly profile: Profile;
  /** First example of each distinct question. */
  readonly examples: number[];
  /** Index of each question's distribution. */
  readonly cells: number[];
}

/**
 * Distributions of a model for every example of a source. What is asked twice is computed once, and what one reader
 * is asked stands together, so that prompts can share their beginnings. Chunks are the same in every run, so that an
 * interrupted evaluation ends with the same bytes.
 * @param partial File that finished chunks are kept in; it is removed by the caller when the results are written.
 * @param identity What must be equal for the chunks in the file to be used.
 * @param say Is told which lines of the file are damaged.
 * @returns By example.
 * @throws Interrupted after the chunk during which the signal came.
 */
export async function predict(
  source: ExampleSource,
  scorer: Scorer,
  partial: string,
  identity: Readonly<Record<string, unknown>>,
  hooks: PredictHooks,
  say: (message: string) => void = () => undefined,
): Promise<readonly (readonly number[])[]> {
  const { groups, cellOf, cells } = group(source, scorer);
  const chunks = chunk(groups);
  const found = new Array<readonly number[]>(cells);
  let done = 0;
  const put = (members: readonly Group[], distributions: ChunkDistributions): void => {
    for (const [g, member] of members.entries()) {
      for (const [i, cell] of member.cells.entries()) found[cell] = distributions[g]![i]!;
      done += member.cells.length;
    }
  };
  const isWhole = (i: number, known: unknown): known is ChunkDistributions => isOf(chunks[i], source, known);
  const { file, saved } = PartialFile.open(partial, identity, isWhole, say);
  for (const [i, known] of saved) put(chunks[i]!, known);
  hooks.onStart(done, cells);
  const left = [...chunks.entries()].filter(([i]) => !saved.has(i));
  for (const [at, [i, members]] of left.entries()) {
    const distributions = await scorer.distributions(
      members.map(({ profile, examples }) => ({ profile, choices: examples.map((example) => source.at(example)) })),
    );
    file.append(i, distributions);
    put(members, distributions);
    hooks.onProgress(done, cells);
    if (hooks.signal.aborted && at + 1 < left.length) {
      throw new Interrupted(`interrupted after ${done} of ${cells} questions; continue with --resume`);
    }
  }
  return Array.from(cellOf, (cell) => found[cell]!);
}

function group(source: ExampleSource, scorer: Scorer): { groups: Group[]; cellOf: Int32Array; cells: number } {
  const groups = new Map<string, Group & { readonly byQuestion: Map<string, number> }>();
  const cellOf = new Int32Array(source.length);
  let cells = 0;
  for (let i = 0; i < source.length; i++) {
    const example = source.at(i);
    const profile = scorer.reader(example.profile);
    const text = profileText(profile);
    let found = groups.get(text);
    if (!found) groups.set(text, (found = { profile, examples: [], cells: [], byQuestion: new Map() }));
    let cell = found.byQuestion.get(example.questionId);
    if (cell === undefined) {
      found.byQuestion.set(example.questionId, (cell = cells++));
      found.examples.push(i);
      found.cells.push(cell);
    }
    cellOf[i] = cell;
  }
  return { groups: [...groups.values()], cellOf, cells };
}

/** Groups one after the other until a chunk is full; a group of many questions is cut. */
function chunk(groups: readonly Group[]): Group[][] {
  const chunks: Group[][] = [];
  let room = 0;
  for (const { profile, examples, cells } of groups) {
    for (let at = 0; at < cells.length; at += CHUNK) {
      const part = { profile, examples: examples.slice(at, at + CHUNK), cells: cells.slice(at, at + CHUNK) };
      if (part.cells.length > room) {
        chunks.push([]);
        room = CHUNK;
      }
      chunks.at(-1)!.push(part);
      room -= part.cells.length;
    }
  }
  return chunks;
}

/** Whether what a file holds is a distribution for every question of a chunk. */
function isOf(
  members: readonly Group[] | undefined,
  source: ExampleSource,
  found: unknown,
): found is ChunkDistributions {
  const isDistribution = (value: unknown, example: number): boolean =>
    Array.isArray(value) &&
    value.length === source.at(example).options.length &&
    value.every((p) => typeof p === "number" && p >= 0 && p <= 1);
  return (
    members !== undefined &&
    Array.isArray(found) &&
    found.length === members.length &&
    members.every(({ examples }, g) => {
      const group: unknown = found[g];
      return (
        Array.isArray(group) &&
        group.length === examples.length &&
        examples.every((example, i) => isDistribution(group[i], example))
      );
    })
  );
}
