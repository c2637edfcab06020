import { CumaError } from "../util/index.ts";
import { textChunks } from "../io/files.ts";

/** A longer row is refused: no table has such, and files without line ends would be held in memory whole. */
export const MAX_ROW_CHARACTERS = 16_000_000;

/** Lines that are not blank. @throws CumaError naming the file, and the line (from 1) that is too long. */
export async function* lines(path: string): AsyncGenerator<string> {
  let line = 1;
  let parts: string[] = [];
  let length = 0;
  const add = (part: string): void => {
    parts.push(part);
    length += part.length;
    if (length <= MAX_ROW_CHARACTERS) return;
    throw new CumaError(`${path}: line ${line}: expected at most ${MAX_ROW_CHARACTERS} characters, found more`);
  };
  for await (const chunk of textChunks(path)) {
    let from = 0;
    for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n", from)) {
      add(chunk.slice(from, end));
      const whole = parts.join("");
      if (whole.trim() !== "") yield whole;
      [parts, length, from] = [[], 0, end + 1];
      line++;
    }
    add(chunk.slice(from));
  }
  const last = parts.join("");
  if (last.trim() !== "") yield last;
}

/** The first line, blank or not, without its end, and without a byte order mark. */
export async function firstLine(path: string, chunks: AsyncIterable<string> = textChunks(path)): Promise<string> {
  const parts: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    if (chunk.includes("\n")) break;
    if (length > MAX_ROW_CHARACTERS) {
      throw new CumaError(`${path}: line 1: expected at most ${MAX_ROW_CHARACTERS} characters, found more`);
    }
  }
  return parts.join("").split("\n", 1)[0]!.trimEnd();
}

/** A text from its second line on. */
export async function* afterFirstLine(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let skipped = false;
  for await (const chunk of chunks) {
    if (skipped) {
      yield chunk;
      continue;
    }
    const end = chunk.indexOf("\n");
    if (end < 0) continue;
    skipped = true;
    yield chunk.slice(end + 1);
  }
}
