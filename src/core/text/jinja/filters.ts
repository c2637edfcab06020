import { dumpJson, dumpOptions } from "./json.ts";
import { capitalise, filterText, isCase, joinTexts, LINE_END, ordered, replaceText, strip } from "./methods.ts";
import { fail } from "./errors.ts";
import {
  Callable,
  contains,
  equal,
  Float,
  integer,
  isDict,
  isList,
  iterate,
  lengthOf,
  Namespace,
  numberOf,
  order,
  text,
  truth,
  Tuple,
  typeName,
  type Arguments,
  type Value,
} from "./values.ts";

type Filter = (value: Value, given: Arguments) => Value;

/** A filter whose parameters have names. */
function filter(names: readonly string[], apply: (value: Value, ...given: Value[]) => Value): Filter {
  return (value, given) => {
    const values = ordered(given, names);
    if (values.length > names.length) fail(`expected at most ${names.length} arguments, found ${values.length}`);
    return apply(value, ...values);
  };
}

const count = filter([], (value) => integer(lengthOf(value)));
const fallback = filter(["default_value", "boolean"], (value, otherwise = "", boolean = false) =>
  value === undefined || (truth(boolean) && !truth(value)) ? otherwise : value,
);

/** Jinja2's filters that chat templates use, and `tojson` as transformers has it. */
export const filters: Readonly<Record<string, Filter>> = {
  abs: filter([], (value) => {
    const number = numberOf(value) ?? fail(`abs: expected a number, found ${typeName(value)}`);
    return value instanceof Float ? new Float(Math.abs(number)) : Math.abs(number);
  }),
  capitalize: filter([], (value) => capitalise(filterText(value))),
  count,
  d: fallback,
  default: fallback,
  dictsort: filter([], (value) => {
    if (!isDict(value)) fail(`dictsort: expected a dict, found ${typeName(value)}`);
    return sorted(iterate(value), false, false).map((key) => new Tuple([key, value.get(key)]));
  }),
  first: filter([], (value) => iterate(value)[0]),
  float: filter([], (value) => {
    const number =
      typeof value === "string" && /^\s*[-+]?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : numberOf(value);
    return new Float(number ?? fail(`float: expected a number, found ${typeName(value)}`));
  }),
  indent: filter(["width", "first", "blank"], (value, width = 4, first = false, blank = false) => {
    const fill = typeof width === "number" ? " ".repeat(Math.min(width, 1000)) : filterText(width);
    const lines = `${filterText(value)}\n`.split(LINE_END);
    lines.pop();
    const filled = lines.map((line, i) =>
      (i === 0 && !truth(first)) || (line === "" && !truth(blank)) ? line : fill + line,
    );
    return joinTexts(filled, "\n");
  }),
  int: filter([], (value) => {
    if (typeof value === "string") return /^\s*[-+]?\d+\s*$/.test(value) ? integer(Number(value)) : unreadable(value);
    return integer(Math.trunc(numberOf(value) ?? fail(`int: expected a number, found ${typeName(value)}`)));
  }),
  items: filter([], (value) => {
    if (value === undefined) return [];
    if (!isDict(value)) fail(`items: expected a dict, found ${typeName(value)}`);
    return iterate(value).map((key) => new Tuple([key, value.get(key)]));
  }),
  join: filter(["d", "attribute"], (value, separator = "", attribute) => {
    const items = attribute === undefined ? iterate(value) : iterate(value).map((item) => attributeOf(item, attribute));
    return joinTexts(items.map(text), filterText(separator));
  }),
  last: filter([], (value) => iterate(value).at(-1)),
  length: count,
  list: filter([], (value) => [...iterate(value)]),
  lower: filter([], (value) => filterText(value).toLowerCase()),
  map: (value, given) => {
    if (given.positional.length === 0) {
      const { attribute, default: otherwise } = Object.fromEntries(given.named);
      if (attribute === undefined) fail("map: expected a filter or an attribute");
      return iterate(value).map((item) => {
        const found = attributeOf(item, attribute);
        return found === undefined ? otherwise : found;
      });
    }
    const [name, ...positional] = given.positional;
    return iterate(value).map((item) => applyFilter(text(name), item, { ...given, positional }));
  },
  reject: (value, given) => iterate(value).filter((item) => !passes(item, given.positional)),
  rejectattr: (value, { positional: [attribute, ...test] }) =>
    iterate(value).filter((item) => !passes(attributeOf(item, attribute), test)),
  replace: filter(["old", "new", "count"], (value, from, to, most) => replaceText(filterText(value), from, to, most)),
  reverse: filter([], (value) =>
    typeof value === "string" ? Array.from(value).reverse().join("") : [...iterate(value)].reverse(),
  ),
  safe: filter([], (value) => value),
  select: (value, given) => iterate(value).filter((item) => passes(item, given.positional)),
  selectattr: (value, { positional: [attribute, ...test] }) =>
    iterate(value).filter((item) => passes(attributeOf(item, attribute), test)),
  sort: filter(["reverse", "case_sensitive", "attribute"], (value, reverse = false, sensitive = false, attribute) =>
    sorted(iterate(value), truth(reverse), truth(sensitive), attribute),
  ),
  string: filter([], (value) => filterText(value)),
  title: filter([], (value) => {
    const words = filterText(value).split(/([-\s({[<]+)/u);
    return joinTexts(words.map(capitalise), "");
  }),
  tojson: (value, { positional, named }) => {
    if (positional.length > 0) fail("tojson: expected arguments by name");
    return dumpJson(value, dumpOptions(named));
  },
  trim: filter(["chars"], (value, characters) => strip(filterText(value), characters)),
  unique: filter([], (value) => {
    const found: Value[] = [];
    for (const item of iterate(value)) {
      if (!contains(found.map(folded), folded(item))) found.push(item);
    }
    return found;
  }),
  upper: filter([], (value) => filterText(value).toUpperCase()),
};

export function applyFilter(name: string, value: Value, given: Arguments): Value {
  if (!Object.hasOwn(filters, name)) fail(`the filter "${name}" is not supported`);
  return filters[name]!(value, given);
}

const numeric = (value: Value): number => numberOf(value) ?? fail(`expected a number, found ${typeName(value)}`);

/** Jinja2's tests. */
const tests: Readonly<Record<string, (value: Value, other: Value) => boolean>> = {
  boolean: (value) => typeof value === "boolean",
  callable: (value) => value instanceof Callable,
  defined: (value) => value !== undefined,
  eq: equal,
  equalto: equal,
  even: (value) => numeric(value) % 2 === 0,
  false: (value) => value === false,
  float: (value) => value instanceof Float,
  in: (value, container) => contains(container, value),
  integer: (value) => typeof value === "number",
  iterable: (value) => value === undefined || isIterable(value),
  lower: (value) => isCase(filterText(value), "lower"),
  mapping: isDict,
  ne: (value, other) => !equal(value, other),
  none: (value) => value === null,
  number: (value) => numberOf(value) !== undefined,
  odd: (value) => Math.abs(numeric(value) % 2) === 1,
  sequence: (value) => value === undefined || isIterable(value),
  string: (value) => typeof value === "string",
  true: (value) => value === true,
  undefined: (value) => value === undefined,
  upper: (value) => isCase(filterText(value), "upper"),
};

export function applyTest(name: string, value: Value, other?: Value): boolean {
  if (!Object.hasOwn(tests, name)) fail(`the test "${name}" is not supported`);
  return tests[name]!(value, other);
}

function isIterable(value: Value): boolean {
  return typeof value === "string" || isList(value) || isDict(value) || value instanceof Tuple;
}

function passes(value: Value, [test, other]: readonly Value[]): boolean {
  return test === undefined ? truth(value) : applyTest(text(test), value, other);
}

/** The value at "a.b", as filters take attributes: a key of a dict, or an index. */
function attributeOf(value: Value, path: Value): Value {
  if (typeof path !== "string") return fail("expected the name of an attribute");
  return path.split(".").reduce<Value>((at, name) => {
    if (isDict(at)) return at.get(name);
    if (at instanceof Namespace) return at.attributes.get(name);
    return fail(`${typeName(at)} has no attribute "${name}"`);
  }, value);
}

function folded(value: Value): Value {
  return typeof value === "string" ? value.toLowerCase() : value;
}

function sorted(items: readonly Value[], reverse: boolean, sensitive: boolean, attribute?: Value): Value[] {
  const key = (item: Value): Value => {
    const found = attribute === undefined || attribute === null ? item : attributeOf(item, attribute);
    return sensitive ? found : folded(found);
  };
  return [...items].sort((a, b) => (reverse ? order(key(b), key(a)) : order(key(a), key(b))));
}

function unreadable(value: string): Value {
  return value === "" || /^[^\d]*$/.test(value)
    ? 0
    : fail(`int: expected a whole number, found "${value.slice(0, 40)}"`);
}
