import { interval, leftOut, number, pValue } from "../format.ts";
import { metricNames, notesOf } from "./names.ts";
import type { Report } from "./types.ts";

/** A number of a report with all that belongs to it; null where it does not apply. */
export interface ReportRecord {
  readonly table: "metrics" | "subsets" | "differences";
  readonly run: string;
  /** Which of the run's rows; null: all. */
  readonly subset: string | null;
  /** The other run of a difference. */
  readonly against: string | null;
  readonly metric: string;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number;
  readonly p: number | null;
  readonly pAdjusted: number | null;
  readonly unit: string;
  readonly better: string;
  readonly leftOut: string;
}

/** The numbers of a report's tables, one after another. */
export function reportRecords({ runs, comparisons }: Report): ReportRecord[] {
  const records: ReportRecord[] = [];
  const tables = runs.flatMap((run) => [
    { table: "metrics" as const, run: run.name, subset: null, metrics: run.metrics },
    ...run.subsets.map(({ name, metrics }) => ({ table: "subsets" as const, run: run.name, subset: name, metrics })),
  ]);
  for (const { metrics, ...where } of tables) {
    for (const metric of metricNames([metrics])) {
      const { value, low, high, n, excluded } = metrics[metric]!;
      const { unit, better } = notesOf(metric);
      records.push({
        ...where,
        against: null,
        metric,
        ...orNull({ value, low, high }),
        n,
        p: null,
        pAdjusted: null,
        unit,
        better,
        leftOut: leftOut(excluded),
      });
    }
  }
  for (const { a, b, metrics } of comparisons) {
    const results = Object.entries(metrics).map(([name, found]) => [
      name,
      { ...found, value: found.difference, excluded: {} },
    ]);
    for (const metric of metricNames([Object.fromEntries(results)])) {
      const { difference, low, high, n, p, pAdjusted } = metrics[metric]!;
      const { unit, better } = notesOf(metric);
      records.push({
        table: "differences",
        run: a,
        subset: null,
        against: b,
        metric,
        ...orNull({ value: difference, low, high }),
        n,
        ...orNull({ p, pAdjusted }),
        unit,
        better,
        leftOut: leftOut({}),
      });
    }
  }
  return records;
}

function orNull<Name extends string>(values: Record<Name, number>): Record<Name, number | null> {
  const entries = Object.entries<number>(values).map(([name, value]) => [name, Number.isFinite(value) ? value : null]);
  return Object.fromEntries(entries) as Record<Name, number | null>;
}

export const tableFormats = ["json", "csv", "md", "latex"] as const;
export type TableFormat = (typeof tableFormats)[number];

/** The tables of a report as text: JSON and CSV for programs, with all digits; Markdown and LaTeX for people. */
export function reportTables(report: Report, format: TableFormat): string {
  switch (format) {
    case "json":
      return `${JSON.stringify({ title: report.title, by: report.by, records: reportRecords(report) }, null, 2)}\n`;
    case "csv":
      return csv(reportRecords(report));
    case "md":
      return grids(report).map(markdown).join("\n");
    case "latex":
      return grids(report).map(latex).join("\n");
  }
}

const COLUMNS = [
  "table",
  "run",
  "subset",
  "against",
  "metric",
  "value",
  "low",
  "high",
  "n",
  "p",
  "pAdjusted",
  "unit",
  "better",
  "leftOut",
] as const satisfies readonly (keyof ReportRecord)[];

function csv(records: readonly ReportRecord[]): string {
  const quoted = (value: string | number | null): string => {
    const text = value === null ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = records.map((record) => COLUMNS.map((name) => quoted(record[name])).join(","));
  return `${[COLUMNS.join(","), ...lines].join("\n")}\n`;
}

/** A table for people. */
interface Grid {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Metrics by run, subsets by run, and one table of differences for each pair. */
function grids(report: Report): Grid[] {
  const records = reportRecords(report);
  const byRun = (table: ReportRecord["table"], title: string): Grid[] => {
    const chosen = records.filter((record) => record.table === table);
    const column = ({ run, subset }: ReportRecord): string => (subset === null ? run : `${run}, ${subset}`);
    const columns = [...new Set(chosen.map(column))];
    const names = [...new Set(chosen.map(({ metric }) => metric))];
    const found = new Map(chosen.map((record) => [JSON.stringify([column(record), record.metric]), record]));
    const rows = names.map((metric) => {
      const cells = columns.map((name) => found.get(JSON.stringify([name, metric])));
      const { unit, better } = notesOf(metric);
      return [metric, unit, better, ...cells.map((record) => (record ? cell(record) : "n/a"))];
    });
    return chosen.length === 0 ? [] : [{ title, head: ["metric", "unit", "better", ...columns], rows }];
  };
  const differences = report.comparisons.map(({ a, b }): Grid => {
    const chosen = records.filter((record) => record.run === a && record.against === b);
    return {
      title: `${a} against ${b}`,
      head: ["metric", "better", "difference", "p", "p adjusted", "n"],
      rows: chosen.map(({ metric, better, value, low, high, p, pAdjusted, n }) => [
        metric,
        better,
        `${number(value ?? NaN)} ${interval({ low: low ?? NaN, high: high ?? NaN })}`,
        pValue(p ?? NaN),
        pValue(pAdjusted ?? NaN),
        String(n),
      ]),
    };
  });
  return [...byRun("metrics", report.title), ...byRun("subsets", "Seen and held-out groups"), ...differences];
}

function cell({ value, low, high, n }: ReportRecord): string {
  return `${number(value ?? NaN)} ${interval({ low: low ?? NaN, high: high ?? NaN })}, n ${n}`;
}

const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");

function markdown({ title, head, rows }: Grid): string {
  const escape = (text: string): string => oneLine(text).replace(/[\\`*_{}[\]<>|#&]/g, (character) => `\\${character}`);
  const line = (cells: readonly string[]): string => `| ${cells.map(escape).join(" | ")} |`;
  const rule = `| ${head.map((_, i) => (i === 0 ? "---" : "---:")).join(" | ")} |`;
  return `## ${escape(title)}\n\n${[line(head), rule, ...rows.map(line)].join("\n")}\n`;
}

const latexCharacters: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
};

/** For `\usepackage{booktabs}`. */
function latex({ title, head, rows }: Grid): string {
  const escape = (text: string): string =>
    oneLine(text).replace(/[\\~^<>{}$&#_%]/g, (character) => latexCharacters[character] ?? `\\${character}`);
  const line = (cells: readonly string[]): string => `${cells.map(escape).join(" & ")} \\\\`;
  return `\\begin{table}
\\caption{${escape(title)}}
\\begin{tabular}{l${"r".repeat(head.length - 1)}}
\\toprule
${line(head)}
\\midrule
${rows.map(line).join("\n")}
\\bottomrule
\\end{tabular}
\\end{table}
`;
}
