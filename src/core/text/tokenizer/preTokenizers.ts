import * as z from "zod";
import { toByteCharacters } from "./bytes.ts";
import { finder, findPattern, GPT2, patternSchema, type Find } from "./patterns.ts";
import { offsetsOnly, readSteps, stepType, type Part, type StepTypes } from "./steps.ts";

/** A stretch of a text. Merges never cross its ends. */
export interface Piece {
  readonly text: string;
  /** Whether the whole text begins with it, special tokens included. */
  readonly first: boolean;
}

/** Splits or changes one piece. */
type PreTokenize = (piece: Piece) => Piece[];

const behaviors = z.enum(["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]);
type Behavior = z.output<typeof behaviors>;

const single = z.string().refine((text) => Array.from(text).length === 1, "expected one character");

const WHITE_SPACE = finder(/\p{White_Space}/gu);
const NUMERIC = finder(/\p{N}/gu);
const PUNCTUATION = finder(/[\p{P}!-/:-@[-`{-~]/gu);
const WORDS = finder(
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu,
);

export const PRE_TOKENIZERS: StepTypes<PreTokenize> = {
  BertPreTokenizer: stepType(
    {},
    () => (piece) => split(piece, WHITE_SPACE, "Removed").flatMap((word) => split(word, PUNCTUATION, "Isolated")),
  ),
  ByteLevel: stepType(
    { add_prefix_space: z.boolean(), trim_offsets: offsetsOnly, use_regex: z.boolean().default(true) },
    ({ add_prefix_space: addSpace, use_regex: useRegex }, part) => {
      const find = findPattern({ Regex: GPT2 }, part);
      return ({ text, first }) => {
        const piece = { text: addSpace && !text.startsWith(" ") ? ` ${text}` : text, first };
        return (useRegex ? split(piece, find, "Isolated") : [piece]).map((word) => ({
          ...word,
          text: toByteCharacters(word.text),
        }));
      };
    },
  ),
  CharDelimiterSplit: stepType({ delimiter: single }, ({ delimiter }, part) => {
    const find = findPattern({ String: delimiter }, part);
    return (piece) => split(piece, find, "Removed");
  }),
  Digits: stepType({ individual_digits: z.boolean() }, ({ individual_digits: individual }) => {
    return (piece) => split(piece, NUMERIC, individual ? "Isolated" : "Contiguous");
  }),
  FixedLength: stepType({ length: z.int().positive() }, ({ length }) => ({ text, first }) => {
    const characters = Array.from(text);
    return Array.from({ length: Math.ceil(characters.length / length) }, (_, i) => ({
      text: characters.slice(i * length, (i + 1) * length).join(""),
      first: first && i === 0,
    }));
  }),
  Metaspace: stepType(
    {
      replacement: single,
      prepend_scheme: z.enum(["always", "first", "never"]).default("always"),
      split: z.boolean().default(true),
      // Both as releases before 0.15 wrote them.
      add_prefix_space: z.boolean().optional(),
      str_rep: z.string().optional(),
    },
    ({ replacement, prepend_scheme: scheme, split: splits }, part) => {
      const find = findPattern({ String: replacement }, part);
      return ({ text, first }) => {
        const marked = text.replaceAll(" ", () => replacement);
        const prepends = scheme === "always" || (scheme === "first" && first);
        const piece = { text: prepends && !marked.startsWith(replacement) ? replacement + marked : marked, first };
        return splits ? split(piece, find, "MergedWithNext") : [piece];
      };
    },
  ),
  Punctuation: stepType({ behavior: behaviors.default("Isolated") }, ({ behavior }) => {
    return (piece) => split(piece, PUNCTUATION, behavior);
  }),
  Split: stepType(
    { pattern: patternSchema, behavior: behaviors, invert: z.boolean() },
    ({ pattern, behavior, invert }, part) => {
      const find = findPattern(pattern, part);
      return (piece) => split(piece, find, behavior, invert);
    },
  ),
  Whitespace: stepType({}, () => (piece) => split(piece, WORDS, "Removed", true)),
  WhitespaceSplit: stepType({}, () => (piece) => split(piece, WHITE_SPACE, "Removed")),
};

/** What is matched and what lies between is cut apart, then kept, removed or joined as `behavior` says. */
function split({ text, first }: Piece, find: Find, behavior: Behavior, invert = false): Piece[] {
  const spans: { start: number; end: number; match: boolean }[] = [];
  let last = 0;
  for (const [start, end] of find(text)) {
    if (start > last) spans.push({ start: last, end: start, match: invert });
    spans.push({ start, end, match: !invert });
    last = end;
  }
  if (last < text.length) spans.push({ start: last, end: text.length, match: invert });

  const kept: typeof spans = [];
  let before: boolean | null = null;
  for (const span of spans) {
    const { match } = span;
    const joins =
      (behavior === "Contiguous" && before === match) ||
      (behavior === "MergedWithPrevious" && match && before === false) ||
      (behavior === "MergedWithNext" && !match && before === true);
    if (joins) kept[kept.length - 1]!.end = span.end;
    else if (behavior !== "Removed" || !match) kept.push(span);
    before = match;
  }
  return kept
    .filter(({ start, end }) => end > start)
    .map(({ start, end }) => ({ text: text.slice(start, end), first: first && start === 0 }));
}

/**
 * All pre-tokenizers in turn: a normalised stretch of text to the words that the model tokenises one by one.
 * @throws CumaError naming one that is not supported.
 */
export function readPreTokenizers(section: unknown, part: Part): (piece: Piece) => string[] {
  const steps = readSteps(section, part, PRE_TOKENIZERS, "pretokenizers");
  return (piece) => steps.reduce((pieces, step) => pieces.flatMap(step), [piece]).map(({ text }) => text);
}
