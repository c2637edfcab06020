import { count, interval, leftOut, number } from "../../eval/format.ts";
import type { MetricResult } from "../../eval/index.ts";
import { excerpt } from "../core/util/show.ts";

/** Characters of a cell at most. */
const MAX_CELL = 300;

/** Rows of texts with aligned columns; the first column to the left, the others to the right. */
export function alignTable(texts: readonly (readonly string[])[]): string {
  const rows = texts.map((row) => row.map((cell) => excerpt(cell, MAX_CELL)));
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Metrics with their intervals, what they rest on and what was left out. */
export function metricsTable(metrics: Readonly<Record<string, MetricResult>>): string {
  const rows = Object.entries(metrics).map(([name, result]) => [
    name,
    number(result.value),
    interval(result),
    count(result.n),
    leftOut(result.excluded),
  ]);
  return alignTable([["metric", "value", "95% interval", "n", "left out"], ...rows]);
}
