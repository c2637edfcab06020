const MAX_DEPTH = 8;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\\": "\\", "'": "'", '"': '"' };
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
/** The inside of a list as numpy writes it: spaces and line breaks between items. */
const SPACED =
  /\s*(?:(?:[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|nan|inf)|True|False|None)\s+)+(?:[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|nan|inf)|True|False|None)\s*(?=[\])])/y;
/** A name, also of a module's: `None`, `array`, `np.float64`. */
const NAME = /[+-]?[A-Za-z_][\w.]*/y;
const NAMES: Readonly<Record<string, unknown>> = {
  None: null,
  null: null,
  NULL: null,
  True: true,
  true: true,
  "np.True_": true,
  False: false,
  false: false,
  "np.False_": false,
  nan: NaN,
  NaN: NaN,
  inf: Infinity,
  "-inf": -Infinity,
};
/** What is written around a value of one kind: the value itself is the first argument. */
const WRAPPERS =
  /^(?:(?:np\.|numpy\.)?(?:array|float(?:16|32|64)|u?int(?:8|16|32|64)|str_|bool_?)|Decimal|OrderedDict|Counter|dict|list|tuple)$/;
const SPACE = /\s*/y;

/**
 * Reads lists, dictionaries, texts and numbers as other programs print them into a cell; nothing is evaluated:
 *
 * - Python: lists, tuples, dictionaries with text keys, None, True, `defaultdict(<class ...>, {...})`, `Decimal('1.5')`;
 * - numpy: `[0.25 0.75]`, also over several lines, `array([...], dtype=...)`, `np.float64(0.5)`;
 * - DuckDB: lists of texts without quotes (`[Not at all, Very much]`), structs `{'a': 1}` and maps `{a=1}`.
 *
 * @throws SyntaxError naming the position.
 */
export function parseLiteral(text: string): unknown {
  const reader = new Reader(text);
  const value = reader.value(0, "");
  reader.end();
  return value;
}

class Reader {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** @param ends Characters that end a text without quotes; none: there must be quotes. */
  value(depth: number, ends: string): unknown {
    if (depth > MAX_DEPTH) throw this.error(`at most ${MAX_DEPTH} levels`);
    this.match(SPACE);
    const start = this.at;
    const c = this.text[this.at] ?? "";
    if (c === "[" || c === "(") {
      this.at++;
      return this.items(c === "[" ? "]" : ")", depth + 1);
    }
    if (c === "{") {
      this.at++;
      return this.entries(depth + 1);
    }
    if (c === "'" || c === '"') {
      this.at++;
      return this.string(c);
    }
    const number = this.match(NUMBER);
    if (number !== "" && this.isOver(ends)) return Number(number);
    this.at = start;
    const name = this.match(NAME);
    if (this.text[this.at] === "(" && (WRAPPERS.test(name) || name === "defaultdict")) return this.wrapped(name, depth);
    if (Object.hasOwn(NAMES, name) && this.isOver(ends)) return NAMES[name];
    this.at = start;
    return this.bare(ends);
  }

  end(): void {
    this.match(SPACE);
    if (this.at < this.text.length) throw this.error("the end");
  }

  private items(close: string, depth: number): unknown[] {
    const spaced = this.match(SPACED);
    const found = spaced === "" ? [] : spaced.trim().split(/\s+/).map(spacedItem);
    while (!this.taken(close)) {
      const start = this.text[this.at]!;
      found.push(this.value(depth, `,${close}`));
      // numpy writes no commas between texts and between rows either.
      if (!this.taken(",") && this.text[this.at] !== close && !"'\"[".includes(start)) {
        throw this.error(`"," or "${close}"`);
      }
    }
    return found;
  }

  private entries(depth: number): Record<string, unknown> {
    const found: [string, unknown][] = [];
    while (!this.taken("}")) {
      const key = this.value(depth, ":=,}");
      if (typeof key !== "string") throw this.error("a text as key");
      if (!this.taken(":") && !this.taken("=")) throw this.error('":"');
      found.push([key, this.value(depth, ",}")]);
      if (!this.taken(",") && this.text[this.at] !== "}") throw this.error('"," or "}"');
    }
    return Object.fromEntries(found);
  }

  /** The first argument, or the second of a `defaultdict`; what follows, such as `dtype=float32`, tells of types. */
  private wrapped(name: string, depth: number): unknown {
    this.at++;
    if (name === "defaultdict") {
      const type = this.match(/\s*(?:<class '[\w.]+'>|None)\s*,/y);
      if (type === "") throw this.error("a class");
    }
    const value = this.value(depth + 1, ",)");
    this.match(/\s*(?:,\s*(?:dtype|shape)=[^()]*(?:\([^()]*\))?)*\s*/y);
    if (!this.taken(")")) throw this.error('")"');
    return name === "Decimal" ? Number(value) : value;
  }

  /** A text without quotes, up to what ends it. */
  private bare(ends: string): string {
    const found = this.match(/[^,:={}[\]()'"\n]+/y).trim();
    if (ends === "" || found === "" || !this.isOver(ends)) throw this.error("a value");
    return found;
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

  /** Whether an item is over here. */
  private isOver(ends: string): boolean {
    this.match(SPACE);
    return this.at === this.text.length || ends.includes(this.text[this.at]!);
  }

  private taken(mark: string): boolean {
    this.match(SPACE);
    if (this.text[this.at] !== mark) return false;
    this.at++;
    return true;
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  private error(expected: string): SyntaxError {
    return new SyntaxError(`expected ${expected} at character ${this.at + 1}`);
  }
}

function spacedItem(text: string): unknown {
  return Object.hasOwn(NAMES, text) ? NAMES[text] : Number(text);
}
