import * as jinja from "@huggingface/jinja";
import { withinBudget } from "./budget.ts";
import { Interpreter } from "./interpreter.ts";
import type { Statement } from "./nodes.ts";
import { bracketTildes, checkChains, type Token } from "./precedence.ts";
import { strftime } from "./strftime.ts";
import { fail, TemplateError } from "./errors.ts";
import { Callable, isDict, Namespace, toValue, type Value } from "./values.ts";

/** What is used of the library; its own declarations do not resolve under Node's module rules. */
const { tokenize, parse } = jinja as unknown as {
  readonly tokenize: (source: string, options: { lstrip_blocks: boolean; trim_blocks: boolean }) => readonly Token[];
  readonly parse: (tokens: readonly Token[]) => { readonly body: readonly Statement[] };
};

/** As transformers' sandbox has it. */
const MAX_RANGE = 100_000;
const MAX_CHARACTERS = 200_000;
/** The library's lexer takes the square of it. */
const MAX_BLANKS = 1_000;

export interface JinjaTemplate {
  /**
   * @param variables JSON values by name.
   * @param date The day that `strftime_now` tells, at midnight: "2024-07-26".
   * @throws Error saying what fails.
   */
  render(variables: Readonly<Record<string, unknown>>, date: string): string;
}

/**
 * A template in the Jinja2 that transformers gives chat templates: Python's values, scopes and methods, trimmed blocks,
 * `break` and `continue`, `generation`, `raise_exception`, `strftime_now` and its `tojson`. Syntax is the library's to
 * read; its own interpreter is not used, since it renders some things otherwise and without bounds.
 * @throws Error saying what cannot be read.
 */
export function compileTemplate(source: string): JinjaTemplate {
  const text = source.replace(/\r\n?/g, "\n");
  checkSource(text);
  const tokens = tokenize(markGeneration(text), { lstrip_blocks: true, trim_blocks: true });
  checkChains(tokens);
  const { body } = parse(bracketTildes(tokens));
  return {
    render(variables, date) {
      const values = Object.entries({ ...variables }).map(([name, value]) => [name, toValue(value)] as const);
      return withinBudget(() => new Interpreter().render(body, new Map([...globals(date), ...values])));
    },
  };
}

/** Refuses what the library's lexer reads otherwise than Jinja2's, or not in time. */
function checkSource(source: string): void {
  if (source.length > MAX_CHARACTERS) {
    fail(`it has ${source.length} characters; expected at most ${MAX_CHARACTERS}`);
  }
  for (const [blanks] of source.matchAll(/\s+/g)) {
    if (blanks.length > MAX_BLANKS) fail(`it has ${blanks.length} blanks in a row; expected at most ${MAX_BLANKS}`);
  }
  if (/^[ \t]+\{-/m.test(source) || source.includes("-}\n")) fail('"{-" and "-}" in its text are not supported');
}

/** What the model writes is marked for training masks; here it is a block that writes what stands in it. */
function markGeneration(source: string): string {
  return source
    .replace(/\{%(-?)\s*generation\s*(-?)%\}/g, "{%$1 call generation() $2%}")
    .replace(/\{%(-?)\s*endgeneration\s*(-?)%\}/g, "{%$1 endcall $2%}");
}

function globals(date: string): [string, Value][] {
  return [
    ...["true", "True"].map((name): [string, Value] => [name, true]),
    ...["false", "False"].map((name): [string, Value] => [name, false]),
    ...["none", "None"].map((name): [string, Value] => [name, null]),
    ["range", new Callable(({ positional }) => range(positional))],
    [
      "namespace",
      new Callable(({ positional: [first], named }) => {
        const before = first === undefined ? [] : isDict(first) ? [...first] : fail("namespace: expected a dict");
        return new Namespace(new Map([...(before as [string, Value][]), ...named]));
      }),
    ],
    [
      "dict",
      new Callable(({ positional, named }) => (positional.length > 0 ? fail("dict: expected names") : new Map(named))),
    ],
    [
      "generation",
      new Callable(({ named }) => (named.get("caller") as Callable).call({ positional: [], named: new Map() })),
    ],
    [
      "raise_exception",
      new Callable(({ positional: [message] }) => {
        throw new TemplateError(typeof message === "string" ? message : "the template raises an exception");
      }),
    ],
    [
      "strftime_now",
      new Callable(({ positional: [format] }) =>
        typeof format === "string" ? strftime(date, format) : fail("strftime_now: expected a text"),
      ),
    ],
  ];
}

function range(given: readonly Value[]): Value {
  const numbers = given.map((value) => (typeof value === "number" ? value : fail("range: expected whole numbers")));
  const [start, stop, step = 1] = numbers.length === 1 ? [0, numbers[0]!] : numbers;
  if (start === undefined || stop === undefined || step === 0) fail("range: expected 1 to 3 numbers, the last not 0");
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > MAX_RANGE) fail(`range: ${length} numbers; expected at most ${MAX_RANGE}`);
  return Array.from({ length }, (_, i) => start + i * step);
}
