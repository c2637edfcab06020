/** The tables of a report, each built once for all media. */
import { count, leftOut, number, pValue } from "../format.ts";
import type { MetricResult } from "../metrics/index.ts";
import {
  aside,
  countCell,
  difference,
  head,
  measured,
  metricHead,
  namesCell,
  numberCell,
  pCell,
  rowsOfRun,
  runHead,
  wordsCell,
} from "./tableCells.ts";
import { html, text } from "./html.ts";
import { metricNames, notesOf } from "./metricNotes.ts";
import { letter } from "./overview.ts";
import { ROUTING_HEAD, routingNumbers, routingRow } from "./routingNumbers.ts";
import { textTable, type Cell, type Table, type TextCell } from "./reportTable.ts";
import { courseOf, digitsOf } from "./training.ts";
import type { Report } from "./types.ts";

/** A report's tables as Markdown and LaTeX have them, those that have rows. */
export function textTables(report: Report): Table<TextCell>[] {
  return [
    metricsTable(report),
    subsetColumns(report),
    ...report.comparisons.map((comparison) => differencesTable(report, comparison)),
    mcnemarTable(report),
    ...report.routings.map(({ name, topology }) =>
      textTable(`Routing: ${name}`, ROUTING_HEAD, routingNumbers(topology).map(routingRow)),
    ),
    trainingTable(report),
    leftOutTable(report),
    notesTable(report),
  ].filter(({ rows }) => rows.length > 0);
}

/** Every metric of every run with its interval and what it rests on. */
export function metricsTable({ title, runs }: Report): Table {
  return metricsByColumn(
    title,
    runs.map(({ name, metrics }, run) => ({ head: runHead(name, run), metrics })),
  );
}

/** Subsets of the runs' rows beside each other, such as groups that training has seen and groups held out from it. */
function subsetColumns({ runs }: Report): Table {
  const columns = runs.flatMap((run) =>
    run.subsets.map(({ name, metrics }) => ({ head: head(`${run.name}, ${name}`), metrics })),
  );
  return metricsByColumn("Seen and held-out groups", columns);
}

function metricsByColumn(
  title: string,
  columns: readonly { readonly head: Cell; readonly metrics: Readonly<Record<string, MetricResult>> }[],
): Table {
  return {
    title,
    head: [head("metric"), head("unit", null), head("better", null), ...columns.map((column) => column.head)],
    rows: metricNames(columns.map(({ metrics }) => metrics)).map((name) => {
      const { unit, better } = notesOf(name);
      const values = columns.map(({ metrics }) => measured(metrics[name]));
      return [metricHead(name), aside(unit), aside(better), ...values];
    }),
  };
}

/** Subsets of the runs' rows below each other, as a page has room for: a row for each metric and subset. */
export function subsetRows({ runs }: Report): Table {
  const names = metricNames(runs.flatMap(({ subsets }) => subsets.map(({ metrics }) => metrics)));
  const subsets = [...new Set(runs.flatMap((run) => run.subsets.map(({ name }) => name)))];
  const spanned: Cell = { text: "", element: html`` };
  return {
    title: "Seen and held-out groups",
    head: [head("metric"), head("groups"), ...runs.map(({ name }, run) => runHead(name, run))],
    rows: names.flatMap((metric) =>
      subsets.map((subset, i) => [
        i === 0 ? metricHead(metric, true, subsets.length) : spanned,
        { text: subset, element: html`<th scope="row">${text(subset)}</th>` },
        ...runs.map((run) => measured(run.subsets.find(({ name }) => name === subset)?.metrics[metric])),
      ]),
    ),
  };
}

/** Metrics of two runs on the same rows. */
export function differencesTable({ runs }: Report, { a, b, metrics }: Report["comparisons"][number]): Table {
  const [letterA, letterB] = [a, b].map((name) => letter(runs.findIndex((run) => run.name === name))) as [
    string,
    string,
  ];
  return {
    title: `Differences: ${a} less ${b}`,
    head: [
      head("metric"),
      head(a, letterA),
      head(b, letterB),
      head("difference", `${letterA} - ${letterB}`),
      head("p"),
      head("p adjusted"),
      head("n"),
    ],
    rows: metricNames([metrics]).map((name) => {
      const found = metrics[name]!;
      return [
        metricHead(name, false),
        numberCell(found.a),
        numberCell(found.b),
        difference(found),
        pCell(found.p),
        pCell(found.pAdjusted),
        countCell(found.n),
      ];
    }),
  };
}

function mcnemarTable({ comparisons }: Report): Table<TextCell> {
  return textTable(
    "Exact McNemar test of accuracy",
    ["first", "second", "rows only the first has right", "rows only the second has right", "p"],
    comparisons.map(({ a, b, mcnemar: { onlyA, onlyB, p } }) => [a, b, count(onlyA), count(onlyB), pValue(p)]),
  );
}

function trainingTable({ runs }: Report): Table<TextCell> {
  return textTable(
    "Training (where there were many steps, means over neighbouring ones)",
    ["run", "steps", "measure", "unit", "first", "last"],
    runs.flatMap(({ name, training }) =>
      (training ? courseOf(training) : []).map(({ measure, unit, first, last }) => [
        name,
        count(training!.steps),
        measure,
        unit,
        number(first, digitsOf(measure)),
        number(last, digitsOf(measure)),
      ]),
    ),
  );
}

/** What was left out of which metrics, by run, subset and reason. */
export function leftOutTable({ runs }: Report): Table {
  return {
    title: "What was left out (rows, unless a reason says otherwise)",
    head: [head("run"), head("left out"), head("of")],
    words: true,
    rows: runs.flatMap((run, r) =>
      [{ name: null, metrics: run.metrics }, ...run.subsets].flatMap(({ name: subset, metrics }) =>
        [...metricsByReason(metrics)].map(([reason, names]) => [
          rowsOfRun(run.name, r, subset),
          wordsCell(reason),
          namesCell(names),
        ]),
      ),
    ),
  };
}

/** By what was left out ("no answer: 30"), the metrics that it was left out of. */
function metricsByReason(metrics: Readonly<Record<string, MetricResult>>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of metricNames([metrics])) {
    for (const [why, n] of Object.entries(metrics[name]!.excluded)) {
      const reason = leftOut({ [why]: n });
      found.set(reason, [...(found.get(reason) ?? []), name]);
    }
  }
  return found;
}

/** What a reader must know of how numbers came about. */
function notesTable({ runs, notCompared }: Report): Table<TextCell> {
  return textTable(
    "Notes",
    ["run", "note"],
    [
      ...runs.flatMap(({ name, notes }) => notes.map((note) => [name, note])),
      ...notCompared.map(({ a, b, why }) => [`${a}, ${b}`, `not compared: ${why}`]),
    ],
    true,
  );
}
