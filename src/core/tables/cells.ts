import { isRecord, show } from "../util/index.ts";
import { dateText } from "./dates.ts";
import { parseLiteral } from "./literal.ts";

/** What each kind of column holds; null stands for nothing in all of them. */
export interface Kinds {
  /** An id or an attribute; see `cellOf` for what is no text. */
  readonly text: string;
  /** What somebody wrote, as it stands. */
  readonly verbatim: string;
  /** A list of texts; numbers and booleans in it are the text that JSON has for them. */
  readonly texts: readonly string[];
  /** A finite number. */
  readonly number: number;
  /** A list of finite numbers. */
  readonly numbers: readonly number[];
  /** Lists of finite numbers by a name; a name without a list is left out. */
  readonly numbersByName: Readonly<Record<string, readonly number[]>>;
  /** A whole number. NaN is nothing: pandas makes floats of whole numbers with gaps. */
  readonly index: number;
  /** true or false, in any case, or 1 or 0. */
  readonly boolean: boolean;
}

export type Kind = keyof Kinds;

/** A cell that is not of its column's kind; the message says what was expected. */
export class CellError extends Error {}

/**
 * A cell as its column's kind has it, in one way for all formats, so that a table gives the same values as csv, JSON lines,
 * Parquet and Arrow. Nothing (null, an empty text) is null.
 *
 * Texts: a number, boolean or bigint is the text that JSON has for it, and so are their texts in csv: `1.0` is "1", `True` is
 * "true". Dates and times are as in ISO 8601, a time of midnight left out. `NaN`, `nan`, `<NA>`, `NaT`, `#N/A` are nothing;
 * "NA", "None" and "null" are texts, for there are countries and religions of that name.
 * @param value A plain value, or the text of a csv cell; lists and numbers that are texts are read as JSON, or as other programs
 * print them (see `parseLiteral`).
 * @throws CellError
 */
export function cellOf<K extends Kind>(kind: K, value: unknown): Kinds[K] | null {
  if (value === null || value === undefined || value === "") return null;
  const converted = converters[kind](value);
  if (converted === undefined) {
    const most = typeof value === "number" && (kind === "text" || kind === "verbatim");
    throw new CellError(`expected ${most ? LARGEST : expected[kind]}, found ${show(value)}`);
  }
  return converted;
}

/** Undefined where the value is not of the kind. */
const converters: { readonly [K in Kind]: (value: unknown) => Kinds[K] | null | undefined } = {
  text: textOf,
  verbatim: plainText,
  texts: (value) => listOf(value, plainText),
  number: numberOf,
  numbers: (value) => listOf(value, numberOf),
  numbersByName: namedLists,
  index: (value) => (Number.isNaN(parsed(value)) ? null : numberOf(value)),
  boolean: booleanOf,
};

const LARGEST = "a text, or a number of at most 2^53 - 1";
const expected: Readonly<Record<Kind, string>> = {
  text: "a text or null",
  verbatim: "a text or null",
  texts: "a list of texts",
  number: "a finite number",
  numbers: "a list of finite numbers",
  numbersByName: "lists of finite numbers by name",
  index: "a whole number or null",
  boolean: "true or false",
};

/** Texts that stand for no value; pandas and Excel write them. */
const MISSING: ReadonlySet<string> = new Set(["NaN", "nan", "<NA>", "NaT", "#N/A"]);
const BOOLEAN = /^(?:true|false)$/i;
/** A whole number as software that has only floats writes it. */
const WHOLE_FLOAT = /^-?(?:0|[1-9]\d*)\.0+$/;

function textOf(value: unknown): string | null | undefined {
  if (Number.isNaN(value)) return null;
  if (typeof value !== "string") return plainText(value);
  if (MISSING.has(value)) return null;
  if (BOOLEAN.test(value)) return value.toLowerCase();
  return WHOLE_FLOAT.test(value) ? value.slice(0, value.indexOf(".")) : dateText(value);
}

/** Numbers so large that digits may have been lost are no texts. */
function plainText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  return typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? String(value) : undefined;
}

function listOf<T>(value: unknown, item: (value: unknown) => T | undefined): T[] | null | undefined {
  const list = parsed(value);
  if (list === null || Number.isNaN(list)) return null;
  if (!Array.isArray(list)) return undefined;
  const items: T[] = [];
  for (const found of list) {
    const converted = item(found);
    if (converted === undefined) return undefined;
    items.push(converted);
  }
  return items;
}

function namedLists(value: unknown): Record<string, number[]> | undefined {
  const found = parsed(value);
  if (!isRecord(found)) return undefined;
  const lists: [string, number[]][] = [];
  for (const [name, list] of Object.entries(found)) {
    const numbers = listOf(list, numberOf);
    if (numbers === undefined) return undefined;
    if (numbers !== null) lists.push([name, numbers]);
  }
  return Object.fromEntries(lists);
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

function numberOf(value: unknown): number | undefined {
  const found = parsed(value);
  if (typeof found === "bigint") return Number(found);
  return typeof found === "number" && Number.isFinite(found) ? found : undefined;
}

function booleanOf(value: unknown): boolean | undefined {
  const found = parsed(value);
  if (typeof found === "boolean") return found;
  if (found === 1 || found === 1n) return true;
  return found === 0 || found === 0n ? false : undefined;
}

/** What a text stands for: a number, a boolean, or a list as JSON or a program prints it; itself where it is nothing of that. */
function parsed(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const text = value.trim();
  if (NUMBER.test(text)) return Number(text);
  if (BOOLEAN.test(text)) return text.toLowerCase() === "true";
  for (const read of [JSON.parse, parseLiteral] as const) {
    try {
      return read(text) as unknown;
    } catch {
      // The next reader may know it; what none knows is of no kind but text.
    }
  }
  return MISSING.has(text) ? NaN : value;
}
