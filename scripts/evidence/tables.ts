import { compare, evaluate, type MetricName, type PredictionTable } from "../../eval/index.ts";

/** A markdown table; texts of the first column to the left, the others to the right. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

export function number(value: number, digits = 3): string {
  return Number.isNaN(value) ? "n/a" : value.toFixed(digits);
}

/** "0.412 [0.380, 0.441]" */
function withInterval({ value, low, high }: { value: number; low: number; high: number }): string {
  return Number.isNaN(value) ? "n/a" : `${number(value)} [${number(low)}, ${number(high)}]`;
}

export interface Entry {
  readonly name: string;
  readonly table: PredictionTable;
  /** Cells that stand behind the name. */
  readonly more: readonly string[];
}

export interface Settings {
  readonly by: readonly string[];
  readonly cluster: "participant" | "question";
  readonly metrics: readonly MetricName[];
  readonly resamples: number;
}

/** Metrics of every entry, with their intervals. */
export function metricsOf(entries: readonly Entry[], moreHead: readonly string[], settings: Settings): string {
  const rows = entries.map(({ name, table, more }) => {
    const found = evaluate(table, settings);
    return [name, ...more, ...settings.metrics.map((metric) => withInterval(found[metric]))];
  });
  return markdown(["", ...moreHead, ...settings.metrics], rows);
}

/** Differences of the first entry from every other one: "first - other", with interval and adjusted p. */
export function differencesOf(first: Entry, others: readonly Entry[], settings: Settings): string {
  const rows = others.map(({ name, table }) => {
    const found = compare(first.table, table, settings);
    return [
      `${first.name} - ${name}`,
      ...settings.metrics.map((metric) => {
        const { difference, low, high, pAdjusted } = found[metric];
        return Number.isNaN(difference)
          ? "n/a"
          : `${number(difference)} [${number(low)}, ${number(high)}], p ${pAdjusted < 0.001 ? pAdjusted.toExponential(0) : number(pAdjusted)}`;
      }),
    ];
  });
  return markdown(["", ...settings.metrics], rows);
}
