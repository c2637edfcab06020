/** Characters of somebody else's text that a message shows at most. */
const MAX_SHOWN = 100;

/**
 * Characters that act instead of being seen: control characters (C0, C1, DEL), line and paragraph separators, the marks
 * that reorder text (bidi), zero-width ones, and halves of surrogate pairs.
 */
const ACTING = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061C\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/gu;

/** A text in which every character can be seen: those that act are shown by their code, as "\u{1b}". */
export function visible(text: string): string {
  return text.replace(ACTING, (found) => `\\u{${found.codePointAt(0)!.toString(16)}}`);
}

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
  if (value === undefined) return "nothing";
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
    if (typeof value === "string") this.string(value);
    else if (typeof value === "object" && value !== null) this.object(value, depth);
    else this.add(typeof value === "function" ? "a function" : String(value));
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
