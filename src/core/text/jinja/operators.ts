import { spend } from "./budget.ts";
import { fail } from "./errors.ts";
import {
  contains,
  equal,
  Float,
  integer,
  isList,
  iterate,
  numberOf,
  order,
  text,
  Tuple,
  typeName,
  type Value,
} from "./values.ts";

const comparisons: Readonly<Record<string, (a: Value, b: Value) => boolean>> = {
  "==": equal,
  "!=": (a, b) => !equal(a, b),
  "<": (a, b) => order(a, b) < 0,
  "<=": (a, b) => order(a, b) <= 0,
  ">": (a, b) => order(a, b) > 0,
  ">=": (a, b) => order(a, b) >= 0,
  in: (a, b) => contains(b, a),
  "not in": (a, b) => !contains(b, a),
};

/** A binary operator on two values; `and` and `or` are not among them. */
export function applyOperator(operator: string, a: Value, b: Value): Value {
  const compare = comparisons[operator];
  if (compare) return compare(a, b);
  if (operator === "~") return joinTexts(text(a), text(b));
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return arithmetic(operator, x, y, a instanceof Float || b instanceof Float);
  if (operator === "+") {
    if (typeof a === "string" && typeof b === "string") return joinTexts(a, b);
    if (isList(a) && isList(b)) return [...iterate(a), ...iterate(b)];
    if (a instanceof Tuple && b instanceof Tuple) return new Tuple([...iterate(a), ...iterate(b)]);
  }
  if (operator === "*") {
    if (typeof b === "number") return repeat(a, b);
    if (typeof a === "number") return repeat(b, a);
  }
  return fail(`"${operator}" between ${typeName(a)} and ${typeName(b)} is not supported`);
}

function joinTexts(a: string, b: string): string {
  spend(a.length + b.length);
  return a + b;
}

function repeat(value: Value, times: number): Value {
  const n = Math.max(0, times);
  if (typeof value === "string") {
    spend(value.length * n);
    return value.repeat(n);
  }
  if (!isList(value)) return fail(`"*" between ${typeName(value)} and a number is not supported`);
  spend(value.length * n);
  return Array.from({ length: n }, () => value).flat(1);
}

function arithmetic(operator: string, x: number, y: number, isFloat: boolean): Value {
  const as = (result: number): Value => (isFloat ? new Float(result) : integer(result));
  if (y === 0 && ["/", "//", "%"].includes(operator)) fail("division by zero");
  switch (operator) {
    case "+":
      return as(x + y);
    case "-":
      return as(x - y);
    case "*":
      return as(x * y);
    case "/":
      return new Float(x / y);
    case "//":
      return as(Math.floor(x / y));
    case "%":
      return as(x - y * Math.floor(x / y));
    case "**":
      return y < 0 ? new Float(x ** y) : as(x ** y);
    default:
      return fail(`the operator "${operator}" is not supported`);
  }
}

/** Python's value[start:stop:step]; undefined where a part is left out. */
export function sliceOf(value: Value, start: Value, stop: Value, step: Value): Value {
  if (typeof value !== "string" && !isList(value) && !(value instanceof Tuple)) {
    return fail(`${typeName(value)} cannot be sliced`);
  }
  const items = iterate(value);
  const by = bound(step) ?? 1;
  if (by === 0) fail("a slice cannot have a step of 0");
  const [least, most] = by > 0 ? [0, items.length] : [-1, items.length - 1];
  const place = (at: number | undefined, otherwise: number): number => {
    if (at === undefined) return otherwise;
    return Math.min(most, Math.max(least, at < 0 ? at + items.length : at));
  };
  const from = place(bound(start), by > 0 ? least : most);
  const to = place(bound(stop), by > 0 ? most : least);
  const found: Value[] = [];
  for (let at = from; by > 0 ? at < to : at > to; at += by) found.push(items[at]);
  spend(found.length);
  if (typeof value === "string") return found.map(text).join("");
  return value instanceof Tuple ? new Tuple(found) : found;
}

function bound(value: Value): number | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "number" ? value : fail(`expected whole numbers in a slice, found ${typeName(value)}`);
}
