import { escapeMarkdown } from "./escape.ts";
import type { Table, TextCell } from "./reportTable.ts";

export function markdown({ title, head, rows, words }: Table<TextCell>): string {
  const line = (cells: readonly TextCell[]): string =>
    `| ${cells.map(({ text }) => escapeMarkdown(text)).join(" | ")} |`;
  const rule = `| ${head.map((_, i) => (i === 0 || words ? "---" : "---:")).join(" | ")} |`;
  return `## ${escapeMarkdown(title)}\n\n${[line(head), rule, ...rows.map(line)].join("\n")}\n`;
}
