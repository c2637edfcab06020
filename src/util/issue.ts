import { show } from "./show.ts";

/** What a zod schema objects to, as far as a message needs it. */
interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** An issue with the value that caused it: '"train.lr": expected number; found "fast"'. */
export function describeIssue({ path, message }: Issue, value: unknown): string {
  const field = path.length === 0 ? "" : `"${path.join(".")}": `;
  const expected = message.replace(/^[A-Z][a-z ]+: (?=expected )/, "").replace(/, received .*$/, "");
  return `${field}${expected}; found ${show(valueAt(value, path))}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );
}
