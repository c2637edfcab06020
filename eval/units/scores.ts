import { groupKey } from "../../src/core/text/group.ts";
import type { Profile } from "../../src/core/text/index.ts";
import { CumaError, unknownName } from "../../src/core/util/index.ts";
import { reasons, type DrawOptions, type MetricResult } from "../metrics/result.ts";

/** Rows that were checked. */
export interface TextTable<Row> {
  readonly rows: readonly Row[];
  /** Attributes that a row has, in the order in which rows named them. */
  readonly attributes: readonly string[];
}

export interface ScoreOptions extends DrawOptions {
  /** Attributes whose combined values make the groups; no groups unless given. */
  readonly by?: readonly string[];
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
  const grouped = (by.length > 0 ? table.rows : []).flatMap((row) => {
    const values = by.flatMap((name) => attributeOf(row.profile, name) ?? []);
    return values.length < by.length ? [] : [{ row, group: groupKey(values) }];
  });
  const ungrouped = by.length > 0 ? table.rows.length - grouped.length : 0;
  const members = groupBy(grouped, ({ group }) => group);
  const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    overall: score(table.rows),
    groups: Object.fromEntries(sorted.map(([group, of]) => [group, score(of.map(({ row }) => row))])),
    ungrouped: reasons({ [`no ${by.join(" or ")}`]: ungrouped }),
  };
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
