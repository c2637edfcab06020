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

/** Above what `differencesBySeed` writes. */
export const BY_SEED = "Differences between trainings: mean over seeds (its standard error): each seed's.";

/** Values of metrics, one for each training. */
export type Values = ReadonlyMap<MetricName, readonly number[]>;

export function valuesOf(
  tables: readonly PredictionTable[],
  metrics: readonly MetricName[],
  by: readonly string[],
): Values {
  const found = tables.map((table) => evaluate(table, { by, metrics, resamples: 0 }));
  return new Map(metrics.map((metric) => [metric, found.map((values) => values[metric].value)]));
}

/** "-0.021 (0.014): -0.067, -0.034, ..." for each metric. */
export function differencesBySeed(
  values: ReadonlyMap<string, Values>,
  first: string,
  other: string,
  metrics: readonly MetricName[],
): string[] {
  return metrics.map((metric) => {
    const [own, others] = [values.get(first)!.get(metric)!, values.get(other)!.get(metric)!];
    const found = own.map((value, seed) => value - others[seed]!);
    const mean = found.reduce((a, b) => a + b) / found.length;
    const variance = found.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (found.length - 1);
    const error = Math.sqrt(variance / found.length);
    return `${number(mean)} (${number(error)}): ${found.map((value) => number(value)).join(", ")}`;
  });
}

export function differenceTable(
  values: ReadonlyMap<string, Values>,
  first: string,
  others: readonly Entry[],
  metrics: readonly MetricName[],
): string {
  const rows = others.map(({ name }) => [`${first} - ${name}`, ...differencesBySeed(values, first, name, metrics)]);
  return markdown(["", ...metrics], rows);
}

export function range(values: readonly number[]): string {
  return `${number(Math.min(...values))} to ${number(Math.max(...values))}`;
}
