import type * as z from "zod";
import { CumaError, messageOf } from "./errors.ts";
import { describeIssue } from "./issue.ts";

/** @throws CumaError naming the file that the text is from, and where the JSON goes wrong. */
export function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CumaError(`${path}: is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The content of a JSON file, as a schema has it.
 * @throws CumaError naming the file and the field, what was expected and what was found.
 */
export function checkJson<T>(path: string, json: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new CumaError(`${path}: ${describeIssue(parsed.error.issues[0]!, json)}`, { cause: parsed.error });
}
