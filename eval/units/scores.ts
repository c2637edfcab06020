import type { Profile } from "../../src/core/text/index.ts";
import { CumaError, Rng, unknownName } from "../../src/core/util/index.ts";
import { clustersOf, gather, resample, totals } from "../../src/core/stats/index.ts";
import { checkedNumbers, resultOf } from "../predictions/evaluate.ts";
import { reasons, type MetricInfo, type MetricResult } from "../metrics/metric.ts";

/** Rows that were checked. */
export interface TextTable<Row> {
  readonly rows: readonly Row[];
  /** Attributes that a row has, in the order in which rows named them. */
  readonly attributes: readonly string[];
}

export interface ScoreOptions {
  /** Attributes whose combined values make the groups; no groups unless given. */
  readonly by?: readonly string[];
  /** Resamples behind each interval (1000); 0 for none, and bootstrap intervals of NaN. */
  readonly resamples?: number;
  /** Level of the intervals (0.95). */
  readonly level?: number;
  readonly seed?: number;
}

/** Metrics over all rows and by group. */
export interface TextScores<Name extends string> {
  /** What was counted over all rows. */
  readonly samples: Readonly<Record<string, number>>;
  /** Choices behind the numbers, in words. */
  readonly settings: Readonly<Record<string, string>>;
  readonly overall: Readonly<Record<Name, MetricResult>>;
  /** By the group's value or, for several attributes, the JSON list of values; sorted. */
  readonly groups: Readonly<Record<string, Readonly<Record<Name, MetricResult>>>>;
  /** Rows in no group, by reason. */
  readonly ungrouped: Readonly<Record<string, number>>;
}

/** The attribute's value; undefined where it is not known. */
export function attributeOf(profile: Profile, name: string): string | undefined {
  return Object.hasOwn(profile, name) ? profile[name] : undefined;
}

/** Attributes of rows, in the order in which they are named. */
export function attributesOf(rows: readonly { readonly profile: Profile }[]): string[] {
  return [...new Set(rows.flatMap(({ profile }) => Object.keys(profile)))];
}

/**
 * Metrics of all rows, and of the rows of each group by themselves.
 * @throws CumaError for an attribute that no row has.
 */
export function scoreGroups<Row extends { readonly profile: Profile }, Name extends string>(
  table: TextTable<Row>,
  by: readonly string[],
  score: (rows: readonly Row[]) => Record<Name, MetricResult>,
): Pick<TextScores<Name>, "overall" | "groups" | "ungrouped"> {
  for (const name of by) {
    if (!table.attributes.includes(name)) throw new CumaError(unknownName("attribute", name, table.attributes));
  }
  const members = new Map<string, Row[]>();
  let ungrouped = 0;
  for (const row of by.length > 0 ? table.rows : []) {
    const values = by.map((name) => attributeOf(row.profile, name));
    if (values.includes(undefined)) {
      ungrouped++;
      continue;
    }
    const group = values.length === 1 ? values[0]! : JSON.stringify(values);
    const rows = members.get(group);
    if (rows) rows.push(row);
    else members.set(group, [row]);
  }
  const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    overall: score(table.rows),
    groups: Object.fromEntries(sorted.map(([group, rows]) => [group, score(rows)])),
    ungrouped: reasons({ [`no ${by.join(" or ")}`]: ungrouped }),
  };
}

/** What a mean is taken over, such as a prompt, an example or a turn. */
export interface Unit<Name extends string> {
  /** Units of one cluster are drawn together. */
  readonly cluster: string;
  /** How many rows it is made of. */
  readonly rows: number;
  /** NaN where it has no part in the mean. */
  readonly values: Readonly<Record<Name, number>>;
}

/**
 * The mean of each value over units, with the interval of the cluster bootstrap. Equal seeds give equal numbers, and
 * every metric sees the same draws. NaN where no unit has a value.
 * @param excluded By metric, what was left out.
 * @throws CumaError for impossible options.
 */
export function meansOf<Name extends string>(
  metrics: Readonly<Record<Name, MetricInfo>>,
  units: readonly Unit<NoInfer<Name>>[],
  excluded: Readonly<Record<NoInfer<Name>, Readonly<Record<string, number>>>>,
  options: ScoreOptions,
): Record<Name, MetricResult> {
  const { resamples, level, seed } = checkedNumbers(options);
  const names = Object.keys(metrics) as Name[];
  const codeOf = new Map<string, number>();
  const clusterOf = Int32Array.from(units, ({ cluster }) => {
    let code = codeOf.get(cluster);
    if (code === undefined) codeOf.set(cluster, (code = codeOf.size));
    return code;
  });
  // Metric m has the sum of its values in cell 2m and their number in cell 2m + 1.
  const statistics = gather(clustersOf(clusterOf, codeOf.size), 2 * names.length, (unit, add) => {
    for (const [m, name] of names.entries()) {
      const value = units[unit]!.values[name];
      if (Number.isNaN(value)) continue;
      add(2 * m, value);
      add(2 * m + 1, 1);
    }
  });
  const means = names.map((_, m) => ({
    statistics,
    compute: (sums: Float64Array) => (sums[2 * m + 1]! > 0 ? sums[2 * m]! / sums[2 * m + 1]! : NaN),
  }));
  const sums = totals(statistics);
  const drawn = resample(means, resamples, () => new Rng(seed, "bootstrap"));
  const results = names.map((name, m) => {
    const n = units.reduce((rows, unit) => rows + (Number.isNaN(unit.values[name]) ? 0 : unit.rows), 0);
    const { range } = metrics[name];
    const value = means[m]!.compute(sums);
    return [name, resultOf(value, drawn[m]!, { level, range }, n, reasons(excluded[name]))] as const;
  });
  return Object.fromEntries(results) as Record<Name, MetricResult>;
}

/** What is drawn whole in a resample: the participant or, where that is not known, the unit. */
export function clusterOf(participantId: string | null, unit: string, unitId: string): string {
  return participantId === null ? `${unit} ${unitId}` : `participant ${participantId}`;
}

/** Items by key, in the order in which keys come. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
