import { metrics, type Metric, type MetricResult } from "../metrics/index.ts";

/** Units of metrics; those that are not here are pure numbers. */
const units: Readonly<Record<string, string>> = { nll: "nats", kl: "nats", skill: "%" };

/** The value at which nothing differs from people, for the metrics where neither direction is better. */
const ideals: Readonly<Record<string, number>> = { mci: 0, beta: 1, entropyRatio: 1 };

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
  const ideal = Object.hasOwn(ideals, name) ? ideals[name]! : null;
  const direction = metric?.higherIsBetter;
  return {
    title: metric?.title ?? name,
    unit: (Object.hasOwn(units, name) && units[name]) || "1",
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
