import * as z from "zod";
import { BYTE_CHARACTERS } from "./bytes.ts";
import { replaceAll } from "./normalizers.ts";
import { findPattern, patternSchema } from "./patterns.ts";
import { offsetsOnly, readSteps, stepType, type Part, type StepTypes } from "./steps.ts";

/** Tokens to stretches of text; the text is all of them after the last step, joined. */
type Decode = (tokens: readonly string[]) => string[];

const single = z.string().refine((text) => Array.from(text).length === 1, "expected one character");
const count = z.int().min(0).max(1000);
const BYTES = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));
const encoder = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const DECODERS: StepTypes<Decode> = {
  BPEDecoder: stepType({ suffix: z.string() }, ({ suffix }) => (tokens) => {
    return tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? "" : " "));
  }),
  ByteFallback: stepType({}, () => byteFallback),
  ByteLevel: stepType(
    { add_prefix_space: offsetsOnly, trim_offsets: offsetsOnly, use_regex: offsetsOnly },
    () => (tokens) => [utf8.decode(Uint8Array.from(tokens.flatMap(bytesOf)))],
  ),
  Fuse: stepType({}, () => (tokens) => [tokens.join("")]),
  Metaspace: stepType(
    {
      replacement: single,
      prepend_scheme: z.enum(["always", "first", "never"]).default("always"),
      split: z.boolean().optional(),
      add_prefix_space: z.boolean().optional(),
      str_rep: z.string().optional(),
    },
    ({ replacement, prepend_scheme: scheme }) =>
      (tokens) => {
        return tokens.map((token, i) => token.replaceAll(replacement, i === 0 && scheme !== "never" ? "" : " "));
      },
  ),
  Replace: stepType({ pattern: patternSchema, content: z.string() }, ({ pattern, content }, part) => {
    const find = findPattern(pattern, part);
    return (tokens) => tokens.map((token) => replaceAll(token, find, content));
  }),
  Strip: stepType({ content: single, start: count, stop: count }, ({ content, start, stop }) => (tokens) => {
    return tokens.map((token) => {
      const characters = Array.from(token);
      let from = 0;
      while (from < Math.min(start, characters.length) && characters[from] === content) from++;
      let to = characters.length;
      while (to > from && characters.length - to < stop && characters[to - 1] === content) to--;
      return characters.slice(from, to).join("");
    });
  }),
  WordPiece: stepType({ prefix: z.string(), cleanup: z.boolean() }, ({ prefix, cleanup }) => (tokens) => {
    return tokens.map((token, i) => {
      const continued = i > 0 && token.startsWith(prefix);
      const text = continued ? token.slice(prefix.length) : i > 0 ? ` ${token}` : token;
      return cleanup ? cleanUp(text) : text;
    });
  }),
};

function bytesOf(token: string): readonly number[] {
  const bytes = Array.from(token, (character) => BYTES.get(character));
  return bytes.every((byte) => byte !== undefined) ? bytes : [...encoder.encode(token)];
}

/** Runs of "<0xE2>" to the text they spell, or, where it is no UTF-8, to a replacement character for each. */
function byteFallback(tokens: readonly string[]): string[] {
  const result: string[] = [];
  let run: number[] = [];
  const spell = (): void => {
    if (run.length === 0) return;
    try {
      result.push(strictUtf8.decode(Uint8Array.from(run)));
    } catch {
      result.push(...run.map(() => "\uFFFD"));
    }
    run = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
    if (byte !== undefined) {
      run.push(Number.parseInt(byte, 16));
      continue;
    }
    spell();
    result.push(token);
  }
  spell();
  return result;
}

function cleanUp(text: string): string {
  return text
    .replace(/ ([.?!,])/g, "$1")
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" do not", " don't")
    .replace(/ ('s|'ve|'re)/g, "$1");
}

/**
 * The section "decoder": tokens to text.
 * @throws CumaError naming a type or an option that is not supported.
 */
export function readDecoders(section: unknown, part: Part): (tokens: readonly string[]) => string {
  const steps = readSteps(section, part, DECODERS, "decoders");
  if (steps.length === 0) return (tokens) => tokens.join(" ");
  return (tokens) => steps.reduce<readonly string[]>((now, step) => step(now), tokens).join("");
}
