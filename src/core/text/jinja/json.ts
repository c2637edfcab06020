import { NODE, spend } from "./budget.ts";
import { fail } from "./errors.ts";
import { Float, floatText, integer, isDict, isList, order, Tuple, typeName, type Value } from "./values.ts";

/** Options of Python's json.dumps, by their Python names. */
export interface DumpOptions {
  readonly indent: number | null;
  readonly itemSeparator: string;
  readonly keySeparator: string;
  readonly sortKeys: boolean;
  readonly ensureAscii: boolean;
}

/** Options of `tojson`, as transformers has the filter. */
export function dumpOptions(given: ReadonlyMap<string, Value>): DumpOptions {
  for (const name of given.keys()) {
    if (!["indent", "separators", "sort_keys", "ensure_ascii"].includes(name)) fail(`tojson has no argument "${name}"`);
  }
  const indent = given.get("indent") ?? null;
  if (indent !== null && typeof indent !== "number") fail("tojson: expected a whole number as indent");
  if (indent !== null && (indent < 0 || indent > 100)) fail("tojson: expected an indent from 0 to 100");
  const separators = given.get("separators") ?? null;
  const pair = separators instanceof Tuple ? separators.items : isList(separators) ? separators : null;
  const [item, key] = pair ?? [indent === null ? ", " : ",", ": "];
  if (typeof item !== "string" || typeof key !== "string") fail("tojson: expected two texts as separators");
  return {
    indent,
    itemSeparator: item,
    keySeparator: key,
    sortKeys: Boolean(given.get("sort_keys") ?? false),
    ensureAscii: Boolean(given.get("ensure_ascii") ?? false),
  };
}

/** Python's json.dumps. */
export function dumpJson(value: Value, options: DumpOptions, depth = 0): string {
  spend(NODE + depth * (options.indent ?? 0));
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return String(integer(value));
  if (value instanceof Float) return floatText(value.value);
  if (typeof value === "string") return dumpText(value, options);
  const items = value instanceof Tuple ? value.items : value;
  if (isList(items)) {
    return enclose(
      "[]",
      items.map((item) => dumpJson(item, options, depth + 1)),
      options,
      depth,
    );
  }
  if (!isDict(items)) return fail(`${typeName(value)} cannot be written as JSON`);
  const entries = [...items];
  if (options.sortKeys) entries.sort(([a], [b]) => order(a, b));
  const pairs = entries.map(([key, item]) => {
    if (typeof key !== "string") fail("tojson: expected texts as the keys of a dict");
    return `${dumpText(key, options)}${options.keySeparator}${dumpJson(item, options, depth + 1)}`;
  });
  return enclose("{}", pairs, options, depth);
}

function enclose(
  marks: string,
  parts: readonly string[],
  { indent, itemSeparator }: DumpOptions,
  depth: number,
): string {
  if (parts.length === 0 || indent === null) return `${marks[0]!}${parts.join(itemSeparator)}${marks[1]!}`;
  const inner = `\n${" ".repeat(indent * (depth + 1))}`;
  return `${marks[0]!}${inner}${parts.join(`${itemSeparator}${inner}`)}\n${" ".repeat(indent * depth)}${marks[1]!}`;
}

function dumpText(value: string, { ensureAscii }: DumpOptions): string {
  spend(value.length);
  const quoted = JSON.stringify(value);
  if (!ensureAscii) return quoted;
  return quoted.replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
