import { visibleJson } from "../../src/core/util/index.ts";
import { leftOut } from "../format.ts";
import { escapeCsv } from "./escape.ts";
import { latex } from "./latex.ts";
import { markdown } from "./markdown.ts";
import { metricNames, notesOf } from "./metricNotes.ts";
import { routingNumbers } from "./routingNumbers.ts";
import { textTables } from "./tables.ts";
import { courseOf } from "./training.ts";
import type { Fact, Report } from "./types.ts";

/** A number of a report with all that belongs to it; null where it does not apply. */
export interface ReportRecord {
  readonly table: "metrics" | "subsets" | "differences" | "mcnemar" | "routing" | "training";
  /** Name of a run; of a routing, its file. */
  readonly run: string;
  /** Which of the run's rows; null: all. */
  readonly subset: string | null;
  /** The other run of a difference, which is `run`'s value less this one's. */
  readonly against: string | null;
  readonly metric: string;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Number of what it rests on: rows; questions or clusters of a routing; steps of a training. */
  readonly n: number | null;
  readonly p: number | null;
  readonly pAdjusted: number | null;
  readonly unit: string;
  /** Which values are better; "neither" for a difference of a metric that is best somewhere inside its range. */
  readonly better: string;
  readonly leftOut: string;
}

/** The numbers of a report's tables, one after another. */
export function reportRecords(report: Report): ReportRecord[] {
  return [
    ...metricRecords(report),
    ...differenceRecords(report),
    ...mcnemarRecords(report),
    ...routingRecords(report),
    ...trainingRecords(report),
  ];
}

/** A record of what is given; the rest does not apply. */
function record(given: Pick<ReportRecord, "table" | "run" | "metric" | "value"> & Partial<ReportRecord>): ReportRecord {
  const { table, run, subset = null, against = null, metric, value, low = null, high = null, n = null } = given;
  const { p = null, pAdjusted = null, unit = "1", better = "neither", leftOut: left = leftOut({}) } = given;
  return { table, run, subset, against, metric, value, low, high, n, p, pAdjusted, unit, better, leftOut: left };
}

function metricRecords({ runs }: Report): ReportRecord[] {
  const tables = runs.flatMap((run) => [
    { table: "metrics" as const, run: run.name, subset: null, metrics: run.metrics },
    ...run.subsets.map(({ name, metrics }) => ({ table: "subsets" as const, run: run.name, subset: name, metrics })),
  ]);
  return tables.flatMap(({ metrics, ...where }) =>
    metricNames([metrics]).map((metric) => {
      const { value, low, high, n, excluded } = metrics[metric]!;
      const { unit, better } = notesOf(metric);
      return record({
        ...where,
        metric,
        ...orNull({ value, low, high }),
        n,
        unit,
        better,
        leftOut: leftOut(excluded),
      });
    }),
  );
}

function differenceRecords({ comparisons }: Report): ReportRecord[] {
  return comparisons.flatMap(({ a, b, metrics }) =>
    metricNames([metrics]).map((metric) => {
      const { difference, low, high, n, p, pAdjusted } = metrics[metric]!;
      const { unit, better, ideal } = notesOf(metric);
      return record({
        table: "differences",
        run: a,
        against: b,
        metric,
        ...orNull({ value: difference, low, high, p, pAdjusted }),
        n,
        unit,
        better: ideal === null ? better : "neither",
      });
    }),
  );
}

/** How many rows only one of two runs has right, with the p-value of the exact McNemar test. */
function mcnemarRecords({ comparisons }: Report): ReportRecord[] {
  return comparisons.flatMap(({ a, b, mcnemar: { onlyA, onlyB, p } }) => {
    const shared = { table: "mcnemar" as const, run: a, against: b, n: onlyA + onlyB, p, unit: "rows" };
    return [
      record({ ...shared, metric: "onlyRunRight", value: onlyA }),
      record({ ...shared, metric: "onlyOtherRight", value: onlyB }),
    ];
  });
}

function routingRecords({ routings }: Report): ReportRecord[] {
  return routings.flatMap(({ name, topology }) =>
    routingNumbers(topology).flatMap(({ metric, unit, value, normalised, p, of }) => {
      const shared = { table: "routing" as const, run: name, ...orNull({ p }), n: of?.n ?? null };
      return [
        record({ ...shared, metric, ...orNull({ value }), unit }),
        ...(normalised === null
          ? []
          : [record({ ...shared, metric: `${metric}.normalised`, ...orNull({ value: normalised }) })]),
      ];
    }),
  );
}

/** Where each measure begins and ends. */
function trainingRecords({ runs }: Report): ReportRecord[] {
  return runs.flatMap(({ name, training }) =>
    (training ? courseOf(training) : []).flatMap(({ measure, unit, first, last }) => {
      const shared = { table: "training" as const, run: name, n: training!.steps, unit };
      return [
        record({ ...shared, metric: `${measure}.first`, ...orNull({ value: first }) }),
        record({ ...shared, metric: `${measure}.last`, ...orNull({ value: last }) }),
      ];
    }),
  );
}

function orNull<Name extends string>(values: Record<Name, number>): Record<Name, number | null> {
  const entries = Object.entries<number>(values).map(([name, value]) => [name, Number.isFinite(value) ? value : null]);
  return Object.fromEntries(entries) as Record<Name, number | null>;
}

export type TableFormat = "json" | "csv" | "md" | "latex";

/** The tables of a report as text: JSON and CSV for programs, with all digits; Markdown and LaTeX for people. */
export function reportTables(report: Report, format: TableFormat): string {
  switch (format) {
    case "json":
      return `${visibleJson(withProvenance(report))}\n`;
    case "csv":
      return csv(reportRecords(report));
    case "md":
      return textTables(report).map(markdown).join("\n");
    case "latex":
      return textTables(report).map(latex).join("\n");
  }
}

/** The records and what they come from. */
function withProvenance(report: Report): Readonly<Record<string, unknown>> {
  const { title, by, facts, runs, notCompared } = report;
  return {
    title,
    by,
    facts: byName(facts),
    runs: runs.map((run) => ({ name: run.name, source: run.source, notes: run.notes, facts: byName(run.facts) })),
    notCompared,
    records: reportRecords(report),
  };
}

const byName = (facts: readonly Fact[]): Record<string, string> =>
  Object.fromEntries(facts.map(({ name, value }) => [name, value]));

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
  const lines = records.map((record) => COLUMNS.map((name) => escapeCsv(record[name])).join(","));
  return `${[COLUMNS.join(","), ...lines].join("\n")}\n`;
}
