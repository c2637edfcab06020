import { CumaError, messageOf, parseJson } from "../util/index.ts";
import { textChunks } from "../io/files.ts";
import { lines } from "./lines.ts";

/**
 * Records of a file of JSON lines, or of one JSON array; its first character says which. Both are called .json.
 * @throws CumaError naming the file, and the row (from 1) that is not JSON.
 */
export async function* jsonRecords(path: string, skipFirst: boolean): AsyncGenerator {
  if ((await firstCharacter(path)) === "[") {
    yield* parseJson(path, await wholeText(path)) as unknown[];
    return;
  }
  let row = skipFirst ? -1 : 0;
  for await (const line of lines(path)) {
    if (row++ < 0) continue;
    let record: unknown;
    try {
      record = JSON.parse(line);
    } catch (error) {
      const whole = row === 1 && line.trim() === "{" ? "; expected a record a line, or an array of records" : "";
      throw new CumaError(`${path}: row ${row}: is not JSON: ${messageOf(error)}${whole}`, { cause: error });
    }
    yield record;
  }
}

/** Near the most that a string can hold. */
const MAX_ARRAY_CHARACTERS = 500_000_000;

async function wholeText(path: string): Promise<string> {
  const chunks: string[] = [];
  let length = 0;
  for await (const chunk of textChunks(path)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_ARRAY_CHARACTERS) {
      throw new CumaError(
        `${path}: is an array of more than ${MAX_ARRAY_CHARACTERS} characters; write it as JSON lines`,
      );
    }
  }
  return chunks.join("");
}

async function firstCharacter(path: string): Promise<string> {
  for await (const chunk of textChunks(path)) {
    const text = chunk.trimStart();
    if (text !== "") return text[0]!;
  }
  return "";
}
