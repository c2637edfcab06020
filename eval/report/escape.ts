import { quoteField } from "../../src/core/tables/quoting.ts";
import { excerpt, visible } from "../../src/core/util/index.ts";

// Texts from data in tables of other media than HTML (see `html` there). In all of them characters that act, such as
// escape codes and marks that reorder text, are shown by their codes; line breaks and tabs are spaces where people read.

/** Characters of a text from data in a table for people. */
const LONGEST = 1000;

const readable = (text: string): string => excerpt(text.replace(/[\t\n\r]+/g, " "), LONGEST);

/** A text for a cell or a heading of Markdown: no markup, no table cell, no link. */
export function escapeMarkdown(text: string): string {
  return (
    readable(text)
      .replace(/[\\`*_{}[\]<>|#&~$]/g, (character) => `\\${character}`)
      // Addresses become links by themselves, also where they are escaped; a comment inside ends them.
      .replace(/:(?=\/\/)|@|\bwww(?=\.)/gi, (found) => `${found}<!-- -->`)
  );
}

const latexCharacters: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "|": "\\textbar{}",
  "`": "\\textasciigrave{}",
};

/** A text for a cell or a caption of LaTeX: no command, and no argument of the command before it. */
export function escapeLatex(text: string): string {
  return (
    readable(text)
      .replace(/[\\~^<>|`{}$&#_%]/g, (character) => latexCharacters[character] ?? `\\${character}`)
      // A row's end takes a star or brackets that follow it.
      .replace(/^\s*(?=[[*])/, "{}")
      .replace(/-(?=-)/g, "-{}")
  );
}

/** What a spreadsheet takes for the beginning of a formula. */
const FORMULA = /^[=+\-@＝＋－＠]/;

/** A value for a cell of csv. Texts that a spreadsheet would take for a formula get a "'" before them (OWASP's rule). */
export function escapeCsv(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = `${FORMULA.test(value) ? "'" : ""}${visible(value)}`;
  return quoteField(text, ",");
}
