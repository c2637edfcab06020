/** A piece of HTML or SVG that is safe to insert as it is. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in `html`: texts and numbers are escaped, markup is not, null is nothing. */
export type Part = string | number | Markup | null | readonly Part[];

/** Indentation of a template's lines, which readers of a page do not see. */
const INDENT = /\n\s+/g;

/**
 * Markup from a template. Every inserted text is escaped for element content and for quoted attributes alike, so that
 * nothing from data becomes markup. Attributes must be quoted; nothing may be inserted into `<style>` or comments.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const pieces = strings.map((text, i) => (i === 0 ? "" : render(parts[i - 1]!)) + text.replace(INDENT, "\n"));
  return new Markup(pieces.join(""));
}

/** Several pieces, one after another. */
export function join(parts: readonly Markup[], separator = "\n"): Markup {
  return new Markup(parts.map(({ text }) => text).join(separator));
}

function render(part: Part): string {
  if (part === null) return "";
  if (part instanceof Markup) return part.text;
  if (typeof part === "string") return escape(part);
  if (typeof part === "number") return String(part);
  return part.map(render).join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return clean(text).replace(/[&<>"']/g, (character) => entities[character]!);
}

/** Text without the control characters and lone surrogates that HTML and SVG cannot hold. */
export function clean(text: string): string {
  return text.replace(/(?![\t\n\r])\p{Cc}|\p{Cs}/gu, "\uFFFD");
}

/** The longest text from data that is shown in full, in code points. */
const LONGEST = 300;

/** Text from data: isolated from the direction of what stands around it, and cut where it is very long. */
export function text(value: string, longest = LONGEST): Markup {
  return html`<bdi>${cut(value, longest)}</bdi>`;
}

/** At most `longest` code points of a text; where something is cut off, it ends in "…". */
export function cut(value: string, longest: number): string {
  // A code point has at most two units, so that nothing beyond these is needed.
  const points = Array.from(value.slice(0, 2 * longest + 2));
  return points.length <= longest ? value : `${points.slice(0, longest - 1).join("")}…`;
}
