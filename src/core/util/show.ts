/** Characters of somebody else's text that a message shows at most. */
const MAX_SHOWN = 100;

/**
 * Characters that act instead of being seen: control characters (C0, C1, DEL), format characters (the marks that reorder
 * text, zero-width ones, tags), line and paragraph separators, and halves of surrogate pairs.
 */
const ACTING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** The same but for the line ends and tabs of a text that has lines. */
const ACTING_IN_LINES = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const code = (character: string): string => `\\u{${character.codePointAt(0)!.toString(16)}}`;

/** A text in which every character can be seen: those that act are shown by their code, as "\u{1b}". */
export function visible(text: string): string {
  return text.replace(ACTING, code);
}

/** `visible` for a text of several lines: line ends and tabs stay. */
export function visibleLines(text: string): string {
  return text.replace(ACTING_IN_LINES, code);
}

/** Indented JSON of a value in which every character can be seen: those that act are escaped, which JSON takes as equal. */
export function visibleJson(value: unknown): string {
  const escape = (character: string): string =>
    Array.from({ length: character.length }, (_, i) => `\\u${hexOf(character.charCodeAt(i))}`).join("");
  return JSON.stringify(value, null, 2).replace(ACTING_IN_LINES, escape);
}

const hexOf = (unit: number): string => unit.toString(16).padStart(4, "0");

/** A text of at most `most` characters that can all be seen. */
export function excerpt(text: string, most = MAX_SHOWN): string {
  if (text.length <= most) return visible(text);
  const end = /[\uD800-\uDBFF]/.test(text[most - 1]!) ? most - 1 : most;
  return `${visible(text.slice(0, end))}...`;
}

/**
 * Any value of somebody else's for a message: as JSON has it where JSON has it, of bounded length, every character
 * visible. Never throws, whatever the value's size, depth, type or cycles; "nothing" for undefined.
 */
export function show(value: unknown, most = MAX_SHOWN): string {
  const writer = new Writer(most);
  writer.write(value, 0);
  return writer.text;
}

const MAX_DEPTH = 8;

/** Writes until it has enough. */
class Writer {
  text = "";
  private readonly most: number;
  private full = false;

  constructor(most: number) {
    this.most = most;
  }

  write(value: unknown, depth: number): void {
    if (this.full) return;
    switch (typeof value) {
      case "string":
        this.string(value);
        return;
      case "object":
        if (value === null) this.add("null");
        else this.object(value, depth);
        return;
      case "function":
        this.add("a function");
        return;
      case "undefined":
        this.add("nothing");
        return;
      case "number":
      case "bigint":
      case "boolean":
      case "symbol":
        this.add(String(value));
    }
  }

  private string(value: string): void {
    this.add('"');
    const room = this.most - this.text.length;
    this.add(visible(JSON.stringify(value.slice(0, Math.max(0, room) + 1)).slice(1, -1)));
    this.add('"');
  }

  private object(value: object, depth: number): void {
    if (depth > MAX_DEPTH) this.add("...");
    else if (Array.isArray(value)) this.list(value, depth);
    else if (ArrayBuffer.isView(value) && !(value instanceof DataView)) this.list(value as Uint8Array, depth);
    else if (value instanceof Date) this.add(Number.isNaN(value.getTime()) ? "an invalid date" : value.toISOString());
    else this.record(value as Record<string, unknown>, depth);
  }

  private record(value: Readonly<Record<string, unknown>>, depth: number): void {
    this.add("{");
    let first = true;
    for (const key in value) {
      if (this.full) return;
      if (!Object.hasOwn(value, key)) continue;
      if (!first) this.add(",");
      first = false;
      this.string(key);
      this.add(":");
      this.write(value[key], depth + 1);
    }
    this.add("}");
  }

  private list(values: ArrayLike<unknown>, depth: number): void {
    this.add("[");
    for (let i = 0; i < values.length && !this.full; i++) {
      if (i > 0) this.add(",");
      this.write(values[i], depth + 1);
    }
    this.add("]");
  }

  private add(text: string): void {
    if (this.full) return;
    this.text += text;
    if (this.text.length <= this.most) return;
    this.text = `${this.text.slice(0, this.most)}...`;
    this.full = true;
  }
}
