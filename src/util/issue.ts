/** What a zod schema objects to, as far as a message needs it. */
interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const MAX_SHOWN = 100;

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

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number") return String(value);
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
}
