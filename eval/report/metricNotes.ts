import { metrics, type Metric } from "../metrics/index.ts";

/** What a report says of a metric. */
export interface MetricNotes {
  readonly title: string;
  readonly unit: string;
  /** Which values are better, in words. */
  readonly better: string;
  /** The value of a model that is as people are, where it is no end of the range. */
  readonly ideal: number | null;
}

/** What `evaluate` adds to the metrics where permutations are asked for, and what stands with MCI, rho and beta. */
const DISPERSION_P = "dispersionP";

/** A metric that this version does not know has no notes but its name. */
export function notesOf(name: string): MetricNotes {
  if (name === DISPERSION_P) return notesOfDispersionP;
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

const notesOfDispersionP: MetricNotes = {
  title: "p of a label permutation; small: groups get predictions of their own",
  unit: "1",
  better: "neither",
  ideal: null,
};

/** Metrics in the order in which they are shown. */
const ORDER = Object.keys(metrics).flatMap((name) => (name === "beta" ? [name, DISPERSION_P] : [name]));

/**
 * Names of metrics of several runs, those that are known in the order of `metrics`, then the others. MCIs are among
 * them only beside `rho` and `beta`: noise has a low MCI too.
 */
export function metricNames(results: readonly Readonly<Record<string, unknown>>[]): string[] {
  const found = new Set(results.flatMap((result) => Object.keys(result)));
  if (!found.has("rho") || !found.has("beta")) {
    found.delete("mci");
    found.delete("mciNominal");
  }
  const known = ORDER.filter((name) => found.has(name));
  return [...known, ...[...found].filter((name) => !known.includes(name)).sort()];
}
