import { parse } from "csv-parse/sync";
import { CumaError, messageOf } from "../util/index.ts";
import { readText } from "../io/files.ts";

/**
 * The rows of a CSV file with a header, quoted as in RFC 4180, by column; for files that fit in memory.
 * @throws CumaError naming the file where it cannot be read, is too large, or a row has more or fewer cells than the header.
 */
export function readCsv(path: string, maxBytes: number, delimiter = ","): Record<string, string>[] {
  const text = readText(path, maxBytes);
  try {
    return parse(text, { columns: true, bom: true, skip_empty_lines: true, delimiter });
  } catch (error) {
    throw new CumaError(`${path}: ${messageOf(error)}`, { cause: error });
  }
}
