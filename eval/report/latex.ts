import { escapeLatex } from "./escape.ts";
import type { Table, TextCell } from "./reportTable.ts";

/** For `\usepackage{booktabs}`. */
export function latex({ title, head, rows, words }: Table<TextCell>): string {
  const line = (cells: readonly TextCell[]): string => `${cells.map(({ text }) => escapeLatex(text)).join(" & ")} \\\\`;
  const columns = words
    ? `p{${(0.9 / head.length).toFixed(2)}\\linewidth}`.repeat(head.length)
    : `l${"r".repeat(head.length - 1)}`;
  return `\\begin{table}
\\caption{${escapeLatex(title)}}
\\begin{tabular}{${columns}}
\\toprule
${line(head)}
\\midrule
${rows.map(line).join("\n")}
\\bottomrule
\\end{tabular}
\\end{table}
`;
}
