import type { Profiled, Source } from "../../datasets/index.ts";
import { PartsFile } from "../../src/core/io/index.ts";
import { Interrupted } from "../../src/core/util/index.ts";
import type { Answered, Chunk, EvalTask, Respondent } from "./task.ts";

export interface AskHooks {
  readonly signal: AbortSignal;
  /** @param done Questions that an earlier run has answered. */
  onStart(done: number, total: number): void;
  onProgress(done: number, total: number): void;
}

/** Where finished chunks are kept. */
export interface Kept {
  /** A file of parts; it is removed by the caller when the results are written. */
  readonly path: string;
  /** What must be equal for the chunks in the file to be used. */
  readonly identity: Readonly<Record<string, unknown>>;
}

/**
 * Asks a respondent everything that a task plans. Chunks are the same in every run, so that an interrupted evaluation ends
 * with the same bytes.
 * @param say Is told which lines of the file are damaged.
 * @returns By chunk, as planned.
 * @throws Interrupted after the chunk during which the signal came.
 */
export async function askAll<E extends Profiled, C extends Chunk, A, T>(
  task: EvalTask<E, C, A, T>,
  source: Source<E>,
  respondent: Respondent<E>,
  { path, identity }: Kept,
  hooks: AskHooks,
  say: (message: string) => void = () => undefined,
): Promise<readonly Answered<C, A>[]> {
  const chunks = task.plan(source, (profile) => respondent.told(profile));
  const byKey = new Map(chunks.map((chunk) => [chunk.key, chunk]));
  const isWhole = (key: string, found: unknown): found is A => {
    const chunk = byKey.get(key);
    return chunk !== undefined && task.isAnswer(chunk, source, found);
  };
  const { file, parts } = PartsFile.open(path, { work: "evaluation", identity, isWhole }, say);
  const answers = new Map(parts);
  const left = chunks.filter(({ key }) => !answers.has(key));
  const total = questionsOf(chunks);
  let done = total - questionsOf(left);
  hooks.onStart(done, total);
  for (const [at, chunk] of left.entries()) {
    const found = await task.answer(chunk, source, respondent);
    file.append(chunk.key, found);
    answers.set(chunk.key, found);
    done += chunk.questions;
    hooks.onProgress(done, total);
    if (hooks.signal.aborted && at + 1 < left.length) {
      throw new Interrupted(`interrupted after ${done} of ${total} questions; continue with --resume`);
    }
  }
  return chunks.map((chunk) => ({ chunk, answers: answers.get(chunk.key)! }));
}

function questionsOf(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, { questions }) => sum + questions, 0);
}
