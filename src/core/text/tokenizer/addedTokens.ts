import * as z from "zod";
import type { Normalize } from "./normalizers.ts";

/** A token that is found in texts before anything else is done to them. */
export const addedTokenSchema = z
  .looseObject({
    content: z.string(),
    single_word: z.boolean().optional(),
    lstrip: z.boolean().optional(),
    rstrip: z.boolean().optional(),
    normalized: z.boolean().optional(),
    special: z.boolean().optional(),
  })
  .transform(({ content, single_word: singleWord, lstrip, rstrip, normalized, special }) => ({
    content,
    /** Whether it is one only where no letter or digit stands beside it. */
    singleWord: singleWord ?? false,
    /** Whether white space before it is part of it; `rstrip`: after it. */
    lstrip: lstrip ?? false,
    rstrip: rstrip ?? false,
    /** Whether it is looked for in normalised text, and in its own normalised form. */
    normalized: normalized ?? !special,
    special: special ?? false,
  }));
export type AddedToken = z.output<typeof addedTokenSchema>;

/** Added tokens with their ids. */
export type AddedIds = ReadonlyMap<string, { readonly id: number; readonly token: AddedToken }>;

/**
 * Gives added tokens ids as the original library does, whatever the file says: that of the vocabulary where the token is in
 * it, else the next free one. Of two with the same content the later one's flags count.
 */
export function addedIds(tokens: readonly AddedToken[], vocabulary: ReadonlyMap<string, number>): AddedIds {
  const added = new Map<string, { id: number; token: AddedToken }>();
  let next = vocabulary.size;
  for (const token of tokens) {
    if (token.content === "") continue;
    const known = added.get(token.content)?.id ?? vocabulary.get(token.content);
    const id = known ?? next;
    next = Math.max(next, id + 1);
    added.set(token.content, { id, token });
  }
  return added;
}

interface Node {
  readonly next: Map<string, Node>;
  found?: { readonly id: number; readonly token: AddedToken };
}

const WORD = String.raw`[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]`;
const WORD_BEFORE = new RegExp(`${WORD}$`, "u");
const WORD_AFTER = new RegExp(`^${WORD}`, "u");
const WHITE_SPACE = /^\p{White_Space}$/u;

/** Cuts texts at added tokens: of several that begin at one place the longest. */
export class Splitter {
  private readonly root: Node = { next: new Map() };

  /** @param normalize How the tokens themselves are written in the texts. */
  constructor(added: Iterable<{ readonly id: number; readonly token: AddedToken }>, normalize: Normalize) {
    for (const found of added) {
      let node = this.root;
      const written = normalize(found.token.content);
      for (let i = 0; i < written.length; i++) {
        let next = node.next.get(written[i]!);
        if (next === undefined) node.next.set(written[i]!, (next = { next: new Map() }));
        node = next;
      }
      if (node !== this.root) node.found = found;
    }
  }

  /** The ids of added tokens, and the texts between them with the place where they begin. */
  split(text: string): (number | { readonly text: string; readonly start: number })[] {
    const result: (number | { text: string; start: number })[] = [];
    let done = 0;
    let at = 0;
    while (at < text.length) {
      const match = this.longest(text, at);
      if (match === null) {
        at++;
        continue;
      }
      const { id, token, end } = match;
      const begins = at;
      at = end;
      if (token.singleWord && standsInWord(text, begins, end)) continue;
      const start = token.lstrip ? Math.max(done, spaceBefore(text, begins)) : begins;
      const stop = token.rstrip ? spaceAfter(text, end) : end;
      if (start > done) result.push({ text: text.slice(done, start), start: done });
      result.push(id);
      done = stop;
    }
    if (done < text.length) result.push({ text: text.slice(done), start: done });
    return result;
  }

  private longest(text: string, from: number): { id: number; token: AddedToken; end: number } | null {
    let node: Node | undefined = this.root;
    let best: { id: number; token: AddedToken; end: number } | null = null;
    for (let i = from; i < text.length; i++) {
      node = node.next.get(text[i]!);
      if (node === undefined) break;
      if (node.found) best = { ...node.found, end: i + 1 };
    }
    return best;
  }
}

// A character has two units at most.
function standsInWord(text: string, start: number, end: number): boolean {
  return WORD_BEFORE.test(text.slice(Math.max(0, start - 2), start)) || WORD_AFTER.test(text.slice(end, end + 2));
}

// No character of white space has two units.
function spaceBefore(text: string, end: number): number {
  let start = end;
  while (start > 0 && WHITE_SPACE.test(text[start - 1]!)) start--;
  return start;
}

function spaceAfter(text: string, start: number): number {
  let end = start;
  while (end < text.length && WHITE_SPACE.test(text[end]!)) end++;
  return end;
}
