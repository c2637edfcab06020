import type { MetricResult } from "../../eval/index.ts";

/** Rows of texts with aligned columns; the first column to the left, the others to the right. */
export function alignTable(rows: readonly (readonly string[])[]): string {
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

/** A number of a result for people: "n/a" where it does not apply. */
export function formatNumber(value: number | null): string {
  return value === null || Number.isNaN(value) ? "n/a" : value.toFixed(4);
}

/** Metrics with their intervals, what they rest on and what was left out. */
export function metricsTable(metrics: Readonly<Record<string, MetricResult>>): string {
  const rows = Object.entries(metrics).map(([name, { value, low, high, n, excluded }]) => [
    name,
    formatNumber(value),
    `[${formatNumber(low)}, ${formatNumber(high)}]`,
    n.toLocaleString("en-US"),
    Object.entries(excluded)
      .map(([why, count]) => `${count.toLocaleString("en-US")} ${why}`)
      .join("; ") || "none",
  ]);
  return alignTable([["metric", "value", "95% interval", "n", "left out"], ...rows]);
}
