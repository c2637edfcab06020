import { excerpt, show } from "./show.ts";

/** A longer word is no slip of the pen; comparing it with others would only take long. */
const MAX_WORD = 64;
/** Candidates that are compared with a word. */
const MAX_CANDIDATES = 10_000;
/** Names that a message lists, and characters of each. */
const LISTED = 20;
const LISTED_LENGTH = 40;

/** Levenshtein distance between two strings. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** Candidates with their distances to a word, the nearest first, as far as it makes sense to compare them. */
function ranked(word: string, candidates: Iterable<string>): { readonly name: string; readonly distance: number }[] {
  if (word.length > MAX_WORD) return [];
  const found: { name: string; distance: number }[] = [];
  for (const name of candidates) {
    if (found.length === MAX_CANDIDATES) break;
    if (name.length <= MAX_WORD) {
      found.push({ name, distance: editDistance(word.toLowerCase(), name.toLowerCase()) });
    }
  }
  return found.sort((a, b) => a.distance - b.distance);
}

/** The candidate nearest to `word`, if it is near enough to be a slip of the pen. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const [best] = ranked(word, candidates);
  return best && best.distance <= Math.max(1, Math.floor(word.length / 2)) ? best.name : undefined;
}

/**
 * "unknown X "y"; expected one of a, b, c; did you mean "a"?" Of many names the nearest are listed.
 * @param valid Names that would do; any number of them, of any length.
 */
export function unknownName(kind: string, word: string, valid: Iterable<string>): string {
  const unknown = `unknown ${excerpt(kind, LISTED_LENGTH)} ${show(word)}`;
  const names = [...valid];
  if (names.length === 0) return `${unknown}; there is none`;
  const guess = nearest(word, names);
  const hint = guess === undefined ? "" : `; did you mean ${show(guess)}?`;
  const listed = names.length <= LISTED ? names : firstOf(names, word);
  const shown = listed.map((name) => excerpt(name, LISTED_LENGTH)).join(", ");
  const of = listed.length < names.length ? ` (the ${LISTED} nearest of ${names.length})` : "";
  return `${unknown}; expected one of ${shown}${hint}${of}`;
}

/** The names that a message lists: those nearest to a word, then others. */
function firstOf(names: readonly string[], word: string): string[] {
  const near = ranked(word, names).map(({ name }) => name);
  return [...new Set([...near, ...names])].slice(0, LISTED);
}
