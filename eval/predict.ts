import { appendFileSync, existsSync, readFileSync } from "node:fs";
import type { ExampleSource } from "../datasets/index.ts";
import { fileError, writeFileAtomic } from "../src/io/index.ts";
import { profileText, type Choice, type Profile } from "../src/models/index.ts";
import { CumaError, Interrupted, messageOf } from "../src/util/index.ts";

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
 * @returns By example.
 * @throws Interrupted after the chunk during which the signal came.
 */
export async function predict(
  source: ExampleSource,
  scorer: Scorer,
  partial: string,
  identity: Readonly<Record<string, unknown>>,
  hooks: PredictHooks,
): Promise<readonly (readonly number[])[]> {
  const { groups, cellOf, cells } = group(source, scorer);
  const chunks = chunk(groups);
  const found = new Array<readonly number[]>(cells);
  let done = 0;
  const put = (members: readonly Group[], distributions: readonly (readonly (readonly number[])[])[]): void => {
    for (const [g, member] of members.entries()) {
      for (const [i, cell] of member.cells.entries()) found[cell] = distributions[g]![i]!;
      done += member.cells.length;
    }
  };
  const saved = openPartial(partial, identity);
  for (const [i, known] of saved.entries()) put(chunks[i]!, known);
  hooks.onStart(done, cells);
  for (const [i, members] of [...chunks.entries()].slice(saved.length)) {
    const distributions = await scorer.distributions(
      members.map(({ profile, examples }) => ({ profile, choices: examples.map((example) => source.at(example)) })),
    );
    append(partial, `${JSON.stringify(distributions)}\n`);
    put(members, distributions);
    hooks.onProgress(done, cells);
    if (hooks.signal.aborted && i + 1 < chunks.length) {
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

/** The finished chunks of a file that belongs to this evaluation; starts the file where there is none. */
function openPartial(path: string, identity: Readonly<Record<string, unknown>>): number[][][][] {
  const head = JSON.stringify(identity);
  if (!existsSync(path)) {
    append(path, `${head}\n`);
    return [];
  }
  const bytes = read(path);
  const complete: string[] = [];
  let from = 0;
  for (let end = bytes.indexOf("\n"); end >= 0; end = bytes.indexOf("\n", from)) {
    complete.push(bytes.toString("utf8", from, end));
    from = end + 1;
  }
  const [found, ...chunks] = complete;
  if (found !== undefined && found !== head) {
    const what = differences(found, identity);
    throw new CumaError(`${path}: belongs to another evaluation${what}; give --overwrite to start anew`);
  }
  if (found === undefined) writeFileAtomic(path, Buffer.from(`${head}\n`));
  else if (from < bytes.length) writeFileAtomic(path, bytes.subarray(0, from));
  return chunks.map((line, i) => {
    try {
      return JSON.parse(line) as number[][][];
    } catch (error) {
      throw new CumaError(`${path}:${i + 2}: is damaged: ${messageOf(error)}; give --overwrite to start anew`, {
        cause: error,
      });
    }
  });
}

/** In what the identity of a file is another one: ": limit is 10 there and 20 here". */
function differences(found: string, identity: Readonly<Record<string, unknown>>): string {
  let there: Map<string, unknown>;
  try {
    there = new Map(Object.entries(JSON.parse(found) as object));
  } catch {
    return "";
  }
  const json = (value: unknown): string => (value === undefined ? "absent" : JSON.stringify(value));
  const other = [...new Set([...Object.keys(identity), ...there.keys()])].flatMap((name) => {
    const [before, now] = [json(there.get(name)), json(identity[name])];
    return before === now ? [] : [`${name} is ${before.slice(0, 100)} there and ${now.slice(0, 100)} here`];
  });
  return other.length === 0 ? "" : `: ${other.join(", ")}`;
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(path, "cannot be read", error);
  }
}

function append(path: string, text: string): void {
  try {
    appendFileSync(path, text);
  } catch (error) {
    throw fileError(path, "cannot be written", error);
  }
}
