import * as z from "zod";
import { CumaError, show } from "../../util/index.ts";
import { toByteCharacters } from "./bytes.ts";
import { findPattern, patternSchema, type Find } from "./patterns.ts";
import { nameOf, readSteps, stepType, type Part, type StepTypes } from "./steps.ts";

/** A text as the next step gets it. */
export type Normalize = (text: string) => string;

const WHITE_SPACE_BEFORE = /^\p{White_Space}+/u;
const WHITE_SPACE_AFTER = /(?<!\p{White_Space})\p{White_Space}+$/u;

export const NORMALIZERS: StepTypes<Normalize> = {
  BertNormalizer: stepType(
    {
      clean_text: z.boolean(),
      handle_chinese_chars: z.boolean(),
      strip_accents: z.boolean().nullish(),
      lowercase: z.boolean(),
    },
    (options) => (text) => {
      let result = text;
      if (options.clean_text) result = cleanText(result);
      if (options.handle_chinese_chars) result = result.replace(IDEOGRAPHS, " $& ");
      if (options.strip_accents ?? options.lowercase) result = result.normalize("NFD").replace(/\p{Mn}/gu, "");
      return options.lowercase ? lowerCase(result) : result;
    },
  ),
  ByteLevel: stepType({}, () => toByteCharacters),
  Lowercase: stepType({}, () => lowerCase),
  NFC: stepType({}, () => (text) => text.normalize("NFC")),
  NFD: stepType({}, () => (text) => text.normalize("NFD")),
  NFKC: stepType({}, () => (text) => text.normalize("NFKC")),
  NFKD: stepType({}, () => (text) => text.normalize("NFKD")),
  Nmt: stepType({}, () => (text) => text.replace(NMT_REMOVED, "").replace(NMT_SPACES, " ")),
  Prepend: stepType(
    { prepend: z.string() },
    ({ prepend }) =>
      (text) =>
        text === "" ? "" : prepend + text,
  ),
  Replace: stepType({ pattern: patternSchema, content: z.string() }, ({ pattern, content }, part) => {
    const find = findPattern(pattern, part);
    return (text) => replaceAll(text, find, content);
  }),
  Strip: stepType({ strip_left: z.boolean(), strip_right: z.boolean() }, (options) => (text) => {
    const left = options.strip_left ? text.replace(WHITE_SPACE_BEFORE, "") : text;
    return options.strip_right ? left.replace(WHITE_SPACE_AFTER, "") : left;
  }),
  StripAccents: stepType({}, () => (text) => text.replace(/\p{M}/gu, "")),
};

const CONTROL = /[\p{Cc}\p{Cf}\p{Co}\uFFFD]/gu;
const IDEOGRAPHS =
  /[\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\u{20000}-\u{2A6DF}\u{2A700}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu;
// eslint-disable-next-line no-control-regex -- control characters are what it removes
const NMT_REMOVED = /[\x01-\x08\x0B\x0E-\x1F\x7F\x8F\x9F]/g;
const NMT_SPACES = /[\t\n\f\r\u1680\u200B-\u200F\u2028\u2029\u2581\uFEFF\uFFFD]/g;

function cleanText(text: string): string {
  return text
    .replace(/[\t\n\r]/g, " ")
    .replace(CONTROL, "")
    .replace(/\p{White_Space}/gu, " ");
}

/** One character at a time, as the tokenizers library does: a final sigma is like any other. */
export function lowerCase(text: string): string {
  return Array.from(text, (character) => character.toLowerCase()).join("");
}

/** The content stands as it is: "$&" in it means nothing. */
export function replaceAll(text: string, find: Find, content: string): string {
  let result = "";
  let last = 0;
  for (const [start, end] of find(text)) {
    result += text.slice(last, start) + content;
    last = end;
  }
  return result + text.slice(last);
}

/** A compatibility form is 18 times as long as its ligature, in UTF-8 bytes spelt out 33 times. */
const MAX_GROWTH = 100;

/**
 * All normalizers of a tokenizer in turn.
 * @throws CumaError naming one that is not supported; the function throws where one makes a text a hundred times as long.
 */
export function readNormalizers(section: unknown, part: Part): Normalize {
  const steps = readSteps(section, part, NORMALIZERS, "normalizers");
  return (text) => {
    const most = MAX_GROWTH * (text.length + 1);
    return steps.reduce((before, step) => {
      const after = step(before);
      if (after.length > most) {
        throw new CumaError(
          `${nameOf(part)}: makes ${after.length} characters of a text of ${text.length}: ${show(text)}`,
        );
      }
      return after;
    }, text);
  };
}
