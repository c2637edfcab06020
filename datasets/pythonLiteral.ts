const MAX_DEPTH = 8;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\\": "\\", "'": "'", '"': '"' };
const TOKEN =
  /\s*(?:(?<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?<name>None|True|False|nan)|(?<mark>[[\](){},:])|(?<quote>['"]))/y;

/**
 * Reads what Python's `repr` writes for lists, tuples, dictionaries with text keys, texts, numbers, None, True, False,
 * and `defaultdict(<class ...>, {...})`; nothing is evaluated.
 * @throws SyntaxError naming the position.
 */
export function parsePythonLiteral(text: string): unknown {
  const inner = /^defaultdict\(<class '\w+'>, (.*)\)$/s.exec(text.trim());
  const reader = new Reader(inner?.[1] ?? text);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw this.error(`at most ${MAX_DEPTH} levels`);
    const { number, name, mark, quote } = this.token();
    if (number !== undefined) return Number(number);
    if (name !== undefined) return { None: null, True: true, False: false, nan: NaN }[name];
    if (quote !== undefined) return this.string(quote);
    if (mark === "[" || mark === "(") return this.items(mark === "[" ? "]" : ")", () => this.value(depth + 1));
    if (mark === "{") return Object.fromEntries(this.items("}", () => this.entry(depth + 1)));
    throw this.error("a value");
  }

  end(): void {
    if (this.text.slice(this.at).trim() !== "") throw this.error("the end");
  }

  private entry(depth: number): [string, unknown] {
    const key = this.value(depth);
    if (typeof key !== "string") throw this.error("a text as key");
    if (this.token()["mark"] !== ":") throw this.error('":"');
    return [key, this.value(depth)];
  }

  private items<T>(close: string, item: () => T): T[] {
    const found: T[] = [];
    for (;;) {
      const before = this.at;
      if (this.token()["mark"] === close) return found;
      this.at = before;
      found.push(item());
      const { mark } = this.token();
      if (mark === close) return found;
      if (mark !== ",") throw this.error(`"," or "${close}"`);
    }
  }

  private token(): Readonly<Record<string, string | undefined>> {
    TOKEN.lastIndex = this.at;
    const match = TOKEN.exec(this.text);
    if (!match) throw this.error("a value");
    this.at = TOKEN.lastIndex;
    return match.groups!;
  }

  private string(quote: string): string {
    let found = "";
    for (;;) {
      const c = this.text[this.at++];
      if (c === undefined) throw this.error("the end of a text");
      if (c === quote) return found;
      if (c !== "\\") {
        found += c;
        continue;
      }
      const code = /^(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))/i.exec(this.text.slice(this.at, this.at + 9));
      const escape = ESCAPES[this.text[this.at] ?? ""];
      if (code) {
        found += String.fromCodePoint(Math.min(0x10ffff, parseInt((code[1] ?? code[2] ?? code[3])!, 16)));
        this.at += code[0].length;
      } else if (escape !== undefined) {
        found += escape;
        this.at++;
      } else found += c;
    }
  }

  private error(expected: string): SyntaxError {
    return new SyntaxError(`expected ${expected} at character ${this.at + 1}`);
  }
}
