import { metrics, type Metric, type MetricResult } from "../metrics/index.ts";

/** What a report says of a metric. */
export interface MetricNotes {
  readonly title: string;
  readonly unit: string;
  /** Which values are better, in words. */
  readonly better: string;
  /** The value of a model that is as people are, where it is no end of the range. */
  readonly ideal: number | null;
}

/** A metric that this version does not know has no notes but its name. */
export function notesOf(name: string): MetricNotes {
  const known: Readonly<Record<string, Metric>> = metrics;
  const metric = Object.hasOwn(known, name) ? known[name] : undefined;
  const ideal = metric?.ideal ?? null;
  const direction = metric?.higherIsBetter;
  return {
    title: metric?.title ?? name,
    unit: metric?.unit ?? "1",
    better:
      ideal !== null
        ? `near ${ideal}`
        : direction === undefined || direction === null
          ? "neither"
          : direction
            ? "higher"
            : "lower",
    ideal,
  };
}

/**
 * Names of metrics of several runs, those that are known in the order of `metrics`, then the others. `mci` is among
 * them only beside `rho` and `beta`: noise has a low MCI too.
 */
export function metricNames(results: readonly Readonly<Record<string, MetricResult>>[]): string[] {
  const found = new Set(results.flatMap((result) => Object.keys(result)));
  if (!found.has("rho") || !found.has("beta")) found.delete("mci");
  const known = Object.keys(metrics).filter((name) => found.has(name));
  return [...known, ...[...found].filter((name) => !known.includes(name)).sort()];
}
