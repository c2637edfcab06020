import * as z from "zod";
import { CumaError } from "./errors.ts";
import { describeIssue } from "./issue.ts";
import { unknownName } from "./names.ts";

/**
 * An argument of a public function as its schema has it: a copy, as far as the schema takes it apart.
 * @param name What the caller knows it by: "options", "profile".
 * @throws CumaError naming the argument and the field in it, what was expected and what was found.
 */
export function checkArgument<T>(name: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const what =
    issue.code === "unrecognized_keys" && issue.path.length === 0 && schema instanceof z.ZodObject
      ? unknownName("key", issue.keys[0]!, Object.keys(schema.shape))
      : describeIssue(issue, value);
  throw new CumaError(`${name}: ${what}`, { cause: parsed.error });
}

/** A schema for every field that an interface has. */
export type FieldsOf<T> = { readonly [Key in keyof Required<T>]: z.ZodType };

/** A text that says something. */
export const someText = z.string().regex(/\S/, "expected a text that is not empty");

/** A function that the caller gives. */
export const callback = z.custom<(...given: never[]) => void>(
  (value) => typeof value === "function",
  "expected a function",
);
