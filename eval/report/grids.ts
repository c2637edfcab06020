import { count, interval, number, pValue } from "../format.ts";
import type { MetricResult } from "../metrics/index.ts";
import { escapeLatex, escapeMarkdown } from "./escape.ts";
import { metricNames, notesOf } from "./names.ts";
import { ROUTING_HEAD, routingNumbers, routingRow } from "./routing.ts";
import { leftOutOf } from "./tables.ts";
import { courseOf, digitsOf } from "./training.ts";
import type { Report } from "./types.ts";

/** A table for people. */
export interface Grid {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Whether cells are words, which are set to the left and broken into lines. */
  readonly words?: boolean;
}

/** A report's tables for people, those that have rows. */
export function grids(report: Report): Grid[] {
  const { title, runs, comparisons } = report;
  const subsets = runs.flatMap((run) =>
    run.subsets.map(({ name, metrics }) => ({ name: `${run.name}, ${name}`, metrics })),
  );
  return [
    metricsGrid(title, runs),
    metricsGrid("Seen and held-out groups", subsets),
    ...comparisons.map(differencesGrid),
    mcnemarGrid(report),
    ...report.routings.map(({ name, topology }): Grid => ({
      title: `Routing: ${name}`,
      head: ROUTING_HEAD,
      rows: routingNumbers(topology).map(routingRow),
    })),
    trainingGrid(report),
    leftOutGrid(report),
    notesGrid(report),
  ].filter(({ rows }) => rows.length > 0);
}

/** Metrics by column. */
function metricsGrid(
  title: string,
  columns: readonly { readonly name: string; readonly metrics: Readonly<Record<string, MetricResult>> }[],
): Grid {
  const names = metricNames(columns.map(({ metrics }) => metrics));
  return {
    title,
    head: ["metric", "unit", "better", ...columns.map(({ name }) => name)],
    rows: names.map((metric) => {
      const { unit, better } = notesOf(metric);
      return [metric, unit, better, ...columns.map(({ metrics }) => cell(metrics[metric]))];
    }),
  };
}

function cell(result: MetricResult | undefined): string {
  return result ? `${estimate(result.value, result)}, n ${result.n}` : "n/a";
}

function estimate(value: number, of: { readonly low: number; readonly high: number }): string {
  return Number.isNaN(value) ? number(value) : `${number(value)} ${interval(of)}`;
}

function differencesGrid({ a, b, metrics }: Report["comparisons"][number]): Grid {
  return {
    title: `Differences: ${a} less ${b}`,
    head: ["metric", a, b, "difference", "p", "p adjusted", "n"],
    rows: metricNames([metrics]).map((metric) => {
      const found = metrics[metric]!;
      return [
        metric,
        number(found.a),
        number(found.b),
        estimate(found.difference, found),
        pValue(found.p),
        pValue(found.pAdjusted),
        String(found.n),
      ];
    }),
  };
}

function mcnemarGrid({ comparisons }: Report): Grid {
  return {
    title: "Exact McNemar test of accuracy",
    head: ["first", "second", "rows only the first has right", "rows only the second has right", "p"],
    rows: comparisons.map(({ a, b, mcnemar: { onlyA, onlyB, p } }) => [a, b, count(onlyA), count(onlyB), pValue(p)]),
  };
}

function trainingGrid({ runs }: Report): Grid {
  return {
    title: "Training (where there were many steps, means over neighbouring ones)",
    head: ["run", "steps", "measure", "unit", "first", "last"],
    rows: runs.flatMap(({ name, training }) =>
      (training ? courseOf(training) : []).map(({ measure, unit, first, last }) => [
        name,
        count(training!.steps),
        measure,
        unit,
        number(first, digitsOf(measure)),
        number(last, digitsOf(measure)),
      ]),
    ),
  };
}

function leftOutGrid({ runs }: Report): Grid {
  return {
    title: "What was left out (rows, unless a reason says otherwise)",
    head: ["run", "left out", "of"],
    words: true,
    rows: leftOutOf(runs).map(({ run, subset, what, metrics }) => {
      const { name } = runs[run]!;
      return [subset === null ? name : `${name}, ${subset}`, what, metrics.join(", ")];
    }),
  };
}

/** What a reader must know of how numbers came about. */
function notesGrid({ runs, notCompared }: Report): Grid {
  return {
    title: "Notes",
    head: ["run", "note"],
    words: true,
    rows: [
      ...runs.flatMap(({ name, notes }) => notes.map((note) => [name, note])),
      ...notCompared.map(({ a, b, why }) => [`${a}, ${b}`, `not compared: ${why}`]),
    ],
  };
}

export function markdown({ title, head, rows, words }: Grid): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeMarkdown).join(" | ")} |`;
  const rule = `| ${head.map((_, i) => (i === 0 || words ? "---" : "---:")).join(" | ")} |`;
  return `## ${escapeMarkdown(title)}\n\n${[line(head), rule, ...rows.map(line)].join("\n")}\n`;
}

/** For `\usepackage{booktabs}`. */
export function latex({ title, head, rows, words }: Grid): string {
  const line = (cells: readonly string[]): string => `${cells.map(escapeLatex).join(" & ")} \\\\`;
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
