/** What the library's parser reads otherwise than Jinja2's, set right, or refused, in the tokens. */
import { fail } from "./errors.ts";

export interface Token {
  readonly type: string;
  readonly value: string;
}

const OPEN: Token = { type: "OpenParen", value: "(" };
const CLOSE: Token = { type: "CloseParen", value: ")" };

/** Refuses `a < b < c`, which the library reads as `(a < b) < c`. */
export function checkChains(tokens: readonly Token[]): void {
  const compared = [false];
  for (const { type, value } of tokens) {
    if (type.startsWith("Open")) compared.push(false);
    else if (type.startsWith("Close")) compared.pop();
    else if (type === "Comma" || (type === "Identifier" && ["and", "or", "if", "else"].includes(value))) {
      compared[compared.length - 1] = false;
    } else if (type === "ComparisonBinaryOperator" || (type === "Identifier" && value === "in")) {
      if (compared.at(-1)) fail("comparisons in a row, such as a < b < c, are not supported");
      compared[compared.length - 1] = true;
    }
  }
}

/** Puts brackets into `a + b ~ c`, which the library reads as `(a + b) ~ c`, and Jinja2 as `a + (b ~ c)`. */
export function bracketTildes(tokens: readonly Token[]): Token[] {
  const result: Token[] = [];
  /** Of every bracket that is open: where what follows a sign begins, and whether it is put into brackets. */
  let level = { begin: -1, bracketed: false };
  const outer: (typeof level)[] = [];
  for (const [i, token] of tokens.entries()) {
    const before = tokens[i - 1];
    const isSign = isAdditive(token) && token.value !== "~" && !isKeyword(before, tokens[i - 2]);
    if (isSign || endsSum(token, before)) {
      if (level.bracketed) result.push(CLOSE);
      level = { begin: -1, bracketed: false };
    } else if (isAdditive(token) && token.value === "~" && level.begin >= 0 && !level.bracketed) {
      result.splice(level.begin, 0, OPEN);
      level.bracketed = true;
    }
    result.push(token);
    if (isSign) level.begin = result.length;
    if (token.type.startsWith("Open")) {
      outer.push(level);
      level = { begin: -1, bracketed: false };
    } else if (token.type.startsWith("Close")) level = outer.pop() ?? level;
  }
  return result;
}

function isAdditive({ type }: Token): boolean {
  return type === "AdditiveBinaryOperator";
}

function endsSum(token: Token, before: Token | undefined): boolean {
  return /^(Close|Comma$|Colon$|Equals$|ComparisonBinaryOperator$)/.test(token.type) || isKeyword(token, before);
}

/** Whether an identifier is a word of the language; behind a dot it is a name, and "not" behind "is" belongs to a test. */
function isKeyword(token: Token | undefined, before: Token | undefined): boolean {
  if (token?.type !== "Identifier" || before?.type === "Dot") return false;
  if (token.value === "not" && before?.value === "is") return false;
  return ["and", "or", "not", "in", "if", "elif", "else"].includes(token.value);
}
