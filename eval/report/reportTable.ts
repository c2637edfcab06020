import type { Markup } from "./html.ts";

/** What stands in a table's cell, as a text. */
export interface TextCell {
  readonly text: string;
}

/** The same in both media: a text in Markdown and LaTeX, an element in a page. */
export interface Cell extends TextCell {
  /** null: a page says it elsewhere. */
  readonly element: Markup | null;
  /** Whether the element has lines of its own; two such cells follow each other without a line break between them. */
  readonly tall?: boolean;
}

/** A table for people. */
export interface Table<C extends TextCell = Cell> {
  readonly title: string;
  readonly head: readonly C[];
  readonly rows: readonly (readonly C[])[];
  /** Whether cells are words, which are set to the left and broken into lines. */
  readonly words?: boolean;
}

/** A table of texts alone. */
export function textTable(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  words = false,
): Table<TextCell> {
  const cells = (texts: readonly string[]): TextCell[] => texts.map((text) => ({ text }));
  return { title, head: cells(head), rows: rows.map(cells), words };
}
