import { spend } from "./budget.ts";
import { fail } from "./errors.ts";
import {
  Callable,
  contains,
  isDict,
  isList,
  iterate,
  text,
  Tuple,
  typeName,
  type Arguments,
  type Dict,
  type Value,
} from "./values.ts";

/** Python's whitespace, for regular expressions. */
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const LEADING = new RegExp(`^[${SPACE}]+`, "u");
const ENDS = "\n-\r\x1c-\x1e\x85\u2028\u2029";
/** Where Python ends a line. */
export const LINE_END = new RegExp(`\r\n|[${ENDS}]`, "u");
const SPACES = new RegExp(`[${SPACE}]+`, "u");

/** A method or attribute of a value; undefined where there is none. */
export function methodOf(value: Value, name: string): Callable | undefined {
  if (typeof value === "string") return method(textMethods, value, name);
  if (isDict(value)) return method(dictMethods, value, name);
  if (isList(value)) return method(listMethods, value, name);
  return undefined;
}

type Methods<T> = Readonly<Record<string, (value: T, given: Value[]) => Value>>;

function method<T extends Value>(methods: Methods<T>, value: T, name: string): Callable | undefined {
  if (!Object.hasOwn(methods, name)) return undefined;
  return new Callable((given) => {
    if (typeof value === "string") spend(value.length);
    return methods[name]!(value, ordered(given, parameters[name] ?? []));
  });
}

/** Names of parameters that may be given by name. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  split: ["sep", "maxsplit"],
  rsplit: ["sep", "maxsplit"],
  splitlines: ["keepends"],
};

/** Arguments in the order of the parameters. */
export function ordered({ positional, named }: Arguments, names: readonly string[]): Value[] {
  const values = [...positional];
  for (const [name, value] of named) {
    const at = names.indexOf(name);
    if (at < positional.length) fail(`there is no argument "${name}" here`);
    values[at] = value;
  }
  return values;
}

const textMethods: Methods<string> = {
  upper: (value) => value.toUpperCase(),
  lower: (value) => value.toLowerCase(),
  capitalize: capitalise,
  title: (value) => {
    if (!/^[\0-\x7f]*$/.test(value)) fail("title() of a text that is not ASCII is not supported");
    return value.toLowerCase().replace(/[a-z]+/g, (word) => word[0]!.toUpperCase() + word.slice(1));
  },
  strip: (value, [characters]) => stripEnd(stripStart(value, characters), characters),
  lstrip: (value, [characters]) => stripStart(value, characters),
  rstrip: (value, [characters]) => stripEnd(value, characters),
  split: (value, [separator, most]) => split(value, separator, most),
  rsplit: (value, [separator, most]) => splitRight(value, separator, most),
  splitlines: (value, given) => {
    if (given.length > 0) fail("splitlines() with an argument is not supported");
    const lines = value.split(LINE_END);
    if (lines.at(-1) === "") lines.pop();
    return lines;
  },
  replace: (value, [from, to, most]) => replaceText(value, from, to, most),
  startswith: (value, given) => affixes(given).some((affix) => value.startsWith(affix)),
  endswith: (value, given) => affixes(given).some((affix) => value.endsWith(affix)),
  removeprefix: (value, [affix]) => (value.startsWith(string(affix)) ? value.slice(string(affix).length) : value),
  removesuffix: (value, [affix]) =>
    string(affix) !== "" && value.endsWith(string(affix)) ? value.slice(0, -string(affix).length) : value,
  join: (value, [items]) => joinTexts(iterate(items ?? null).map(string), value),
  find: (value, given) => {
    if (given.length > 1) fail("find() from a position is not supported");
    const at = value.indexOf(string(given[0]));
    return at < 0 ? at : Array.from(value.slice(0, at)).length;
  },
  count: (value, given) => {
    if (given.length > 1 || given[0] === "") fail("count() from a position or of nothing is not supported");
    return value.split(string(given[0])).length - 1;
  },
  isdigit: (value) => /^[0-9]+$/.test(ascii(value)),
  isalpha: (value) => /^[a-z]+$/i.test(ascii(value)),
  isalnum: (value) => /^[a-z0-9]+$/i.test(ascii(value)),
  isspace: (value) => value !== "" && stripStart(value, null) === "",
  isupper: (value) => isCase(value, "upper"),
  islower: (value) => isCase(value, "lower"),
};

const dictMethods: Methods<Dict> = {
  get: (value, [key, otherwise = null]) => (value.has(key) ? value.get(key) : otherwise),
  keys: (value) => iterate(value),
  values: (value) => iterate(value).map((key) => value.get(key)),
  items: (value) => iterate(value).map((key) => new Tuple([key, value.get(key)])),
};

const listMethods: Methods<readonly Value[]> = {
  count: (value, [item]) => iterate(value).filter((other) => contains([other], item)).length,
  index: (value, [item]) => {
    const at = iterate(value).findIndex((other) => contains([other], item));
    return at < 0 ? fail("index(): the list does not have the item") : at;
  },
};

/** Methods that change a list or a dict, which transformers forbids templates as well. */
export const FORBIDDEN = [
  "append",
  "extend",
  "insert",
  "pop",
  "remove",
  "clear",
  "update",
  "setdefault",
  "popitem",
  "sort",
  "reverse",
];

function string(value: Value): string {
  return typeof value === "string" ? value : fail(`expected a text, found ${typeName(value)}`);
}

function ascii(value: string): string {
  return /^[\0-\x7f]*$/.test(value) ? value : fail("this test of a text that is not ASCII is not supported");
}

export function capitalise(value: string): string {
  const [first = "", ...rest] = Array.from(value);
  const upper = first.toUpperCase();
  if (Array.from(upper).length > 1) fail(`capitalising "${first}" is not supported`);
  return upper + rest.join("").toLowerCase();
}

export function isCase(value: string, which: "upper" | "lower"): boolean {
  const other = which === "upper" ? value.toUpperCase() : value.toLowerCase();
  return value === other && value.toUpperCase() !== value.toLowerCase();
}

/** Strips Python's whitespace, or any of the given characters, from a text's beginning. */
function stripStart(value: string, characters: Value): string {
  if (characters === undefined || characters === null) return value.replace(LEADING, "");
  const set = new Set(Array.from(string(characters)));
  const units = Array.from(value);
  const at = units.findIndex((unit) => !set.has(unit));
  return at < 0 ? "" : units.slice(at).join("");
}

function stripEnd(value: string, characters: Value): string {
  const turned = (one: string): string => Array.from(one).reverse().join("");
  return turned(stripStart(turned(value), characters));
}

/** Python's str.strip(). */
export function strip(value: string, characters?: Value): string {
  return stripEnd(stripStart(value, characters), characters);
}

function limit(most: Value): number {
  if (most === undefined || most === null) return Infinity;
  if (typeof most !== "number") return fail(`expected a whole number, found ${typeName(most)}`);
  return most < 0 ? Infinity : most;
}

function split(value: string, separator: Value, most: Value): string[] {
  const blank = separator === undefined || separator === null;
  if (separator === "") fail("split(): the separator is empty");
  const found: string[] = [];
  let rest = blank ? stripStart(value, null) : value;
  while (found.length < limit(most)) {
    const at = blank ? (SPACES.exec(rest)?.index ?? -1) : rest.indexOf(string(separator));
    if (at < 0) break;
    spend(rest.length);
    found.push(rest.slice(0, at));
    rest = blank ? stripStart(rest.slice(at), null) : rest.slice(at + string(separator).length);
  }
  return blank && rest === "" ? found : [...found, rest];
}

function splitRight(value: string, separator: Value, most: Value): string[] {
  if (limit(most) === Infinity) return split(value, separator, most);
  const parts = string(separator) === "" ? fail("rsplit(): the separator is empty") : value.split(string(separator));
  const kept = Math.max(0, parts.length - limit(most) - 1);
  return [parts.slice(0, kept + 1).join(string(separator)), ...parts.slice(kept + 1)];
}

/** Python's str.replace(). */
export function replaceText(value: string, from: Value, to: Value, most: Value): string {
  if (string(from) === "") fail("replace(): replacing nothing is not supported");
  const parts = value.split(string(from));
  const times = Math.min(parts.length - 1, limit(most));
  const head = joinTexts(parts.slice(0, times + 1), string(to));
  return [head, ...parts.slice(times + 1)].join(string(from));
}

/** A text of parts; what it takes is counted first. */
export function joinTexts(parts: readonly string[], separator: string): string {
  spend(parts.reduce((sum, part) => sum + part.length + separator.length, 0));
  return parts.join(separator);
}

function affixes(given: readonly Value[]): string[] {
  if (given.length !== 1) fail("startswith() and endswith() from a position are not supported");
  const [affix] = given;
  return affix instanceof Tuple ? affix.items.map(string) : [string(affix)];
}

/** Python's str() of a filter's operand. */
export function filterText(value: Value): string {
  const found = text(value);
  spend(found.length);
  return found;
}
