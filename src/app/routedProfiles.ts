import { groupLabel } from "../core/text/group.ts";
import type { Profile } from "../core/text/index.ts";
import { count, CumaError, excerpt, show } from "../core/util/index.ts";
import type { ProfileRows } from "./files/profiles.ts";
import { MAX_GROUPS } from "./files/routeResults.ts";

/** More distinct profiles are refused. */
const MAX_PROFILES = 10_000;

/** Distinct profiles, each in a group. */
export interface GroupedProfiles {
  readonly groups: readonly string[];
  readonly profiles: readonly { readonly profile: Profile; readonly weight: number; readonly group: number }[];
  /** Codes by profile of each attribute that the model is told or that makes the groups; -1 where it is missing. */
  readonly attributes: ReadonlyMap<string, Int32Array>;
  readonly excluded: Readonly<Record<string, number>>;
}

/** Distinct profiles in the attributes that matter, and their groups. */
export function groupProfiles(
  path: string,
  { attributes, rows, distinct }: ProfileRows,
  told: readonly string[] | null,
  by: readonly string[],
): GroupedProfiles {
  if (told && !attributes.some((name) => told.includes(name))) {
    throw new CumaError(
      `${path}: expected a column for an attribute that the model is told (${excerpt(told.join(", "))}); found ${excerpt(attributes.join(", "))}`,
    );
  }
  const used = attributes.filter((name) => by.includes(name) || !told || told.includes(name));
  const profiles = new Map<string, { profile: Profile; weight: number; group: number }>();
  const groups = new Map<string, { readonly key: string; readonly group: number }>();
  let noGroup = 0;
  for (const { profile, weight } of rows) {
    const values = by.flatMap((name) => (profile[name] === undefined ? [] : [profile[name]]));
    if (values.length < by.length) {
      noGroup++;
      continue;
    }
    const key = JSON.stringify(used.map((name) => profile[name] ?? null));
    const known = profiles.get(key);
    if (known) {
      if (!distinct) known.weight += weight;
      continue;
    }
    const name = groupLabel(values);
    const group = groups.get(name) ?? { key: JSON.stringify(values), group: groups.size };
    groups.set(name, group);
    if (group.key !== JSON.stringify(values)) {
      throw new CumaError(
        `${path}: two groups have the name ${show(name)}; expected values of ${excerpt(by.join(", "))} without " / "`,
      );
    }
    profiles.set(key, { profile, weight, group: group.group });
  }
  checkNumber(path, "group", groups.size, 2, MAX_GROUPS);
  checkNumber(path, "distinct profile", profiles.size, 2, MAX_PROFILES);
  const kept = [...profiles.values()];
  const excluded: Record<string, number> = { [`rows without ${by.join(" or ")}`]: noGroup };
  const codes = used.map((name) => {
    const codeOf = new Map<string, number>();
    const column = Int32Array.from(kept, ({ profile }) => {
      const value = profile[name];
      if (value === undefined) return -1;
      if (!codeOf.has(value)) codeOf.set(value, codeOf.size);
      return codeOf.get(value)!;
    });
    excluded[`profiles without ${name}, in its mutual information`] = column.filter((code) => code < 0).length;
    return [name, column] as const;
  });
  const present = codes.filter(([, column]) => column.some((code) => code >= 0));
  return { groups: [...groups.keys()], profiles: kept, attributes: new Map(present), excluded };
}

function checkNumber(path: string, noun: string, n: number, least: number, most: number): void {
  if (n >= least && n <= most) return;
  throw new CumaError(`${path}: expected ${least} to ${count(most, noun)}, found ${n.toLocaleString("en-US")}`);
}
