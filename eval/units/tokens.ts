/** Scripts that are written without spaces between words. */
const UNSPACED = ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"]
  .map((script) => String.raw`\p{Script=${script}}`)
  .join("");

const TOKEN = new RegExp(
  String.raw`[${UNSPACED}]\p{M}*|(?:(?![${UNSPACED}])[\p{L}\p{M}\p{N}\p{Join_Control}])+|\P{White_Space}`,
  "gu",
);

/** The rule of `tokenize`, for results. */
export const TOKENS =
  "runs of letters, marks and digits; characters of Han, kana, Thai, Lao, Khmer and Myanmar singly; " +
  "every other character that is not white space by itself; NFC, case kept";

/**
 * Tokens of a text in any language, by one rule on Unicode properties: a run of letters, combining marks, digits and
 * joiners is a token; so is each character (with its marks) of a script that has no spaces between words, and every
 * other character that is not white space. The text is normalised to NFC first; its case is kept.
 */
export function tokenize(text: string): string[] {
  return text.normalize("NFC").match(TOKEN) ?? [];
}
