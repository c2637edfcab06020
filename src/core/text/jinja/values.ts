import { NODE, spend } from "./budget.ts";
import { fail } from "./errors.ts";

/**
 * Values of templates as Python has them. A text, a whole number, a truth value, null (None) and undefined stand for
 * themselves, an array is a list, a Map a dict.
 */
export type Value =
  string | number | boolean | null | undefined | Float | Tuple | Namespace | Callable | readonly Value[] | Dict;

export type Dict = ReadonlyMap<Value, Value>;

export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export class Tuple {
  readonly items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** What `namespace()` gives, and `loop`. */
export class Namespace {
  readonly attributes: Map<string, Value>;
  constructor(attributes: Map<string, Value>) {
    this.attributes = attributes;
  }
}

export interface Arguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

export class Callable {
  readonly call: (given: Arguments) => Value;
  constructor(call: (given: Arguments) => Value) {
    this.call = call;
  }
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isDict(value: Value): value is Dict {
  return value instanceof Map;
}

export function typeName(value: Value): string {
  if (value === undefined) return "an undefined value";
  if (value === null) return "None";
  if (typeof value === "string") return "a text";
  if (typeof value === "boolean") return "a truth value";
  if (typeof value === "number" || value instanceof Float) return "a number";
  if (value instanceof Callable) return "a function";
  if (value instanceof Namespace) return "a namespace";
  return isDict(value) ? "a dict" : value instanceof Tuple ? "a tuple" : "a list";
}

/** A value given from outside: JSON. */
export function toValue(json: unknown): Value {
  if (Array.isArray(json)) return json.map(toValue);
  if (typeof json === "number") return Number.isInteger(json) ? integer(json) : new Float(json);
  if (typeof json === "object" && json !== null) {
    return new Map(Object.entries(json).map(([key, value]) => [key, toValue(value)]));
  }
  return json as Value;
}

export function integer(value: number): number {
  if (!Number.isSafeInteger(value)) fail("whole numbers above 2^53 are not supported");
  return value + 0;
}

/** The number that a value is in arithmetic; truth values are 0 and 1. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "number") return value;
  return value instanceof Float ? value.value : undefined;
}

export function truth(value: Value): boolean {
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Tuple) return value.items.length > 0;
  if (isList(value)) return value.length > 0;
  return isDict(value) ? value.size > 0 : Boolean(value);
}

/** Items that a loop goes through; an undefined value has none. */
export function iterate(value: Value): readonly Value[] {
  if (value === undefined) return [];
  const items = value instanceof Tuple ? value.items : value;
  if (typeof items === "string") {
    spend(items.length);
    return Array.from(items);
  }
  if (isList(items)) {
    spend(items.length);
    return items;
  }
  if (!isDict(items)) return fail(`${typeName(value)} cannot be iterated over`);
  spend(items.size);
  return [...items.keys()];
}

export function lengthOf(value: Value): number {
  if (value === null || numberOf(value) !== undefined) return fail(`${typeName(value)} has no length`);
  return iterate(value).length;
}

export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x === y;
  if (a instanceof Tuple && b instanceof Tuple) return equalItems(a.items, b.items);
  if (isList(a) && isList(b)) return equalItems(a, b);
  if (isDict(a) && isDict(b)) {
    spend(a.size);
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && equal(value, b.get(key)));
  }
  return false;
}

function equalItems(a: readonly Value[], b: readonly Value[]): boolean {
  spend(a.length);
  return a.length === b.length && a.every((item, i) => equal(item, b[i]));
}

/** Below 0, 0 or above 0: numbers by size, texts by code points. */
export function order(a: Value, b: Value): number {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x - y;
  if (typeof a !== "string" || typeof b !== "string") fail(`cannot order ${typeName(a)} and ${typeName(b)}`);
  spend(a.length + b.length);
  return byCodePoints(a, b);
}

/** UTF-8 orders texts by their code points, which UTF-16 does not. */
function byCodePoints(a: string, b: string): number {
  const [left, right] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  const at = left.findIndex((byte, i) => byte !== right[i]);
  return at < 0 ? left.length - right.length : left[at]! - (right[at] ?? -1);
}

export function contains(container: Value, item: Value): boolean {
  if (isDict(container)) return container.has(item);
  if (typeof container !== "string") return iterate(container).some((other) => equal(other, item));
  if (typeof item !== "string") fail(`expected a text before "in" and a text, found ${typeName(item)}`);
  spend(container.length);
  return container.includes(item);
}

/** Python's str(). */
export function text(value: Value): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : repr(value);
}

/** Python's repr(). */
export function repr(value: Value): string {
  spend(NODE);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return quote(value);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Tuple) return `(${value.items.map(repr).join(", ")}${value.items.length === 1 ? "," : ""})`;
  if (isList(value)) return `[${value.map(repr).join(", ")}]`;
  if (isDict(value)) return `{${[...value].map(([key, item]) => `${repr(key)}: ${repr(item)}`).join(", ")}}`;
  return value === undefined ? "Undefined" : fail(`${typeName(value)} cannot be printed`);
}

export function floatText(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size >= 1e16 || (size > 0 && size < 1e-4))
    fail("so large or small a number is not supported");
  if (Object.is(value, -0)) return "-0.0";
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function quote(value: string): string {
  spend(value.length);
  const mark = value.includes("'") && !value.includes('"') ? '"' : "'";
  const body = value.replace(/[\\\p{C}\p{Z}']/gu, (found) => {
    if (found === " ") return found;
    if (found === "'") return mark === "'" ? "\\'" : found;
    const code = found.codePointAt(0)!;
    const [letter, digits]: [string, number] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
    return escapes[found] ?? `\\${letter}${code.toString(16).padStart(digits, "0")}`;
  });
  return `${mark}${body}${mark}`;
}
