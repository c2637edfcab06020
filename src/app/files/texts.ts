import { readText } from "../../core/io/index.ts";
import { CumaError } from "../../core/util/index.ts";

const MAX_BYTES = 10_000_000;
const MAX_TEXTS = 10_000;

/** Texts of a file, one a line; lines that are blank are skipped. @throws CumaError naming the file. */
export function readTexts(path: string): { readonly line: number; readonly text: string }[] {
  const found = readText(path, MAX_BYTES)
    .split("\n")
    .map((text, i) => ({ line: i + 1, text: text.trim() }))
    .filter(({ text }) => text !== "");
  if (found.length === 0) throw new CumaError(`${path}: expected one text a line; found none`);
  if (found.length > MAX_TEXTS) {
    throw new CumaError(`${path}: expected at most ${MAX_TEXTS} texts, found ${found.length}`);
  }
  return found;
}
