import * as huggingFace from "@huggingface/tokenizers";
import * as z from "zod";
import { CumaError, show } from "../../util/index.ts";
import { withinTime } from "../../util/timeLimit.ts";
import { nameOf, type Part } from "./steps.ts";

const { SplitPreTokenizer } = huggingFace as unknown as {
  readonly SplitPreTokenizer: new (options: object) => { readonly pattern: RegExp };
};

/** As tokenizer.json has it: `{ "String": " " }` or `{ "Regex": "\\s+" }`. */
export const patternSchema = z.union([
  z.strictObject({ String: z.string().min(1) }),
  z.strictObject({ Regex: z.string().min(1) }),
]);

/** Finds all matches in a text, in order, as [start, end); empty ones too. */
export type Find = (text: string) => [number, number][];

/**
 * The expressions that the published tokenizers split words with: GPT-2, Llama 3, Qwen 2, cl100k, o200k, Mistral Nemo, and
 * digits. Their time grows with the text's length, and where quantifiers are possessive nothing could be given back.
 */
const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const REST = String.raw`| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const CASED = String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`;
const UPPER = String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`;
const PATHS = String.raw`| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
export const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const KNOWN: ReadonlySet<string> = new Set([
  GPT2,
  String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}${REST}`,
  String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}${REST}`,
  String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`,
  String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`${CASED}${CONTRACTIONS}?|${UPPER}${CONTRACTIONS}?|\p{N}{1,3}${PATHS}`,
  String.raw`${CASED}|${UPPER}|\p{N}${PATHS}`,
  String.raw`\d`,
  String.raw`\d+`,
  String.raw`\p{N}`,
  String.raw`\p{N}+`,
  String.raw`\p{N}{1,3}`,
  String.raw`\s+`,
  " ",
]);

const ESCAPE = String.raw`\\(?:[pP]\{(?:[LMNPSZC][a-z]?|Han|Hiragana|Katakana|Hangul|Latin|Cyrillic|Greek|Arabic|Hebrew|Thai)\}|[sSdDnrtf]|x\{[0-9A-Fa-f]{1,6}\}|u[0-9A-Fa-f]{4}|[^\w\s])`;
const ATOM = String.raw`${ESCAPE}|\[\^?(?:${ESCAPE}|[^\][\\&])+\]|[^\\[\](){}*+?^$.|]|\.|\)`;
const QUANTIFIER = String.raw`(?:[*+?]|\{\d+(?:,\d*)?\})\??(?![*+?{])`;
const GROUP = String.raw`\((?:\?(?::|<?[=!]))?`;

/** What means the same in Oniguruma, which the expressions are written for, and in JavaScript once it is translated. */
const SAME_MEANING = new RegExp(`^(?:(?:${ATOM})(?:${QUANTIFIER})?|${GROUP}|\\|)*$`, "u");

/** A case-insensitive group of the endings of English contractions and nothing else. */
const ENDING = String.raw`'?(?:s|t|re|ve|m|ll|d|\[[sdmt]+\])`;
const INSENSITIVE = new RegExp(String.raw`\(\?i:(${ENDING}(?:\|${ENDING})*)\)`, "g");

/** Oniguruma folds "ſ" to "s"; no other letter of these endings has a third form. */
function bothCases(group: string): string {
  const forms = (letter: string): string => `${letter}${letter.toUpperCase()}${letter === "s" ? "ſ" : ""}`;
  return group.replace(/\[([a-z]+)\]|([a-z])/g, (_, several: string | undefined, one: string | undefined) => {
    return `[${Array.from(several ?? one ?? "", forms).join("")}]`;
  });
}

const MAX_PATTERN = 4000;
/** For one text; a text of a megabyte takes a known expression some 0.1 s. */
const SECONDS = 2;

/**
 * A pattern of tokenizer.json as the original library reads it.
 * @throws CumaError where the expression has a part that JavaScript reads in another way; the function that is returned
 *   throws one where an expression that is not among the well-known ones takes too long.
 */
export function findPattern(pattern: z.output<typeof patternSchema>, part: Part): Find {
  if ("String" in pattern) return finder(new RegExp(escapeRegExp(pattern.String), "gu"));
  const known = KNOWN.has(pattern.Regex);
  const written = pattern.Regex.replace(INSENSITIVE, (_, group: string) => `(?:${bothCases(group)})`);
  if (!known && (written.length > MAX_PATTERN || !SAME_MEANING.test(written))) {
    throw new CumaError(
      `${nameOf(part)}: the expression ${show(pattern.Regex)} is not supported: it has a part that JavaScript does not read as the tokenizers library does`,
    );
  }
  const find = finder(compile(written, part));
  if (known) return find;
  const what = `${nameOf(part)}: the expression ${show(pattern.Regex)}`;
  return (text) => withinTime(SECONDS, `${what}, on a text of ${text.length} characters,`, () => find(text));
}

function compile(regex: string, part: Part): RegExp {
  try {
    return new SplitPreTokenizer({ pattern: { Regex: regex } }).pattern;
  } catch (error) {
    throw new CumaError(`${nameOf(part)}: the expression ${show(regex)} cannot be read`, { cause: error });
  }
}

/** No match of no width stands right behind another match. */
export function finder(expression: RegExp): Find {
  return (text) => {
    const found: [number, number][] = [];
    for (const { 0: match, index } of text.matchAll(expression)) {
      if (match !== "" || found.at(-1)?.[1] !== index) found.push([index, index + match.length]);
    }
    return found;
  };
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
