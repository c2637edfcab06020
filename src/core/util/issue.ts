import { excerpt, show } from "./show.ts";

/** What a zod schema objects to, as far as a message needs it. */
interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Keys that the schema does not know, where that is the issue. */
  readonly keys?: unknown;
}

/** A path of keys for a message: "train.lr". */
export function showPath(path: readonly PropertyKey[]): string {
  return excerpt(path.map(String).join("."));
}

/** An issue with the value that caused it: '"train.lr": expected number; found "fast"'. */
export function describeIssue({ path, message, keys }: Issue, value: unknown): string {
  const field = path.length === 0 ? "" : `"${showPath(path)}": `;
  if (Array.isArray(keys)) return `${field}unknown key ${show(keys[0])}`;
  const expected = message.replace(/^[A-Z][a-z ]+: (?=expected )/, "").replace(/, received .*$/, "");
  return `${field}${expected}; found ${show(valueAt(value, path))}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );
}
