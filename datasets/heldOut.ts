import { z } from "zod";
import type { Profile } from "../src/core/text/index.ts";
import { CumaError, excerpt, Rng, show, unknownName } from "../src/core/util/index.ts";
import { select, type Profiled, type Source } from "./source.ts";

const values = z.union([z.string(), z.array(z.string()).min(1)]);

/**
 * One rule of what is held out: the profiles that have one of the given values in every attribute of `where`, or about
 * the share `share` of the groups that the combined values of the attributes `by` make, drawn by `seed`. Whether a group is drawn
 * depends on its own values alone, so that every split and every data set has the same ones.
 */
export const holdOutRuleSchema = z.union(
  [
    z.strictObject({ where: z.record(z.string(), values).refine((where) => Object.keys(where).length > 0) }),
    z.strictObject({
      by: z.array(z.string()).min(1),
      share: z.number().gt(0).lt(1),
      seed: z.int().nonnegative().default(0),
    }),
  ],
  'expected { where: { age: "25" } }, whose values are texts (numbers in quotes), or { by: [country], share: 0.2 }',
);

export type HoldOutRule = z.infer<typeof holdOutRuleSchema>;

/** Whether a rule holds a profile out. A profile that lacks an attribute of the rule is not. */
export function isHeldOut(rules: readonly HoldOutRule[], profile: Profile): boolean {
  return rules.some((rule) => {
    if ("where" in rule) {
      return Object.entries(rule.where).every(([name, value]) => {
        const own = profile[name];
        return own !== undefined && (Array.isArray(value) ? value.includes(own) : value === own);
      });
    }
    const group = rule.by.map((name) => profile[name]);
    if (group.includes(undefined)) return false;
    return new Rng(rule.seed, "holdOut", JSON.stringify(group)).uniform() < rule.share;
  });
}

/**
 * Whether training does not see a profile: by the rules, or by the data set itself. Asked once for each profile object, of
 * which sources give one for all answers of a person.
 */
export function heldOutTest(
  rules: readonly HoldOutRule[],
  source: Pick<Source, "isHeldOut">,
): (profile: Profile) => boolean {
  const known = new Map<Profile, boolean>();
  return (profile) => {
    let out = known.get(profile);
    if (out === undefined) {
      known.set(profile, (out = isHeldOut(rules, profile) || (source.isHeldOut?.(profile) ?? false)));
    }
    return out;
  };
}

/** Names of the attributes that rules ask for. */
function ruleAttributes(rules: readonly HoldOutRule[]): string[] {
  return [...new Set(rules.flatMap((rule) => ("where" in rule ? Object.keys(rule.where) : rule.by)))];
}

/**
 * Checks that each rule can hold somebody out. Every attribute and every value of `where` must be one of the data as a whole: of
 * other splits and beyond a limit too, as far as `source.known` tells; and several attributes together must be one profile's.
 * WorldValuesBench takes values of its codebook even where nobody has them, and combinations of the loaded split only.
 * @param where Names the rules in the message.
 * @throws CumaError naming the attribute, the value or the combination, with the values nearest to it.
 */
export function checkHoldOut(where: string, rules: readonly HoldOutRule[], source: Source): void {
  for (const name of ruleAttributes(rules)) {
    if (source.attributes.includes(name)) continue;
    throw new CumaError(`${where}: ${unknownName("attribute", name, source.attributes)}`);
  }
  const places = rules.flatMap((rule) => ("where" in rule ? [rule] : []));
  if (places.length === 0) return;
  const profiles = source.known ?? [...profilesOf(source)];
  for (const rule of places) {
    const entries = Object.entries(rule.where).map(([name, value]) => [name, [value].flat()] as const);
    for (const [name, wanted] of entries) {
      const found = new Set(profiles.flatMap((profile) => profile[name] ?? []));
      const unknown = wanted.find((value) => !found.has(value));
      if (unknown !== undefined) throw new CumaError(`${where}: ${unknownName(name, unknown, [...found].sort())}`);
    }
    if (entries.length < 2 || profiles.some((profile) => isHeldOut([rule], profile))) continue;
    const combination = entries.map(
      ([name, wanted]) => `${excerpt(name)} ${wanted.map((value) => show(value)).join(" or ")}`,
    );
    throw new CumaError(`${where}: expected a combination that somebody has; found ${combination.join(" with ")}`);
  }
}

function profilesOf(source: Source): Set<Profile> {
  const profiles = new Set<Profile>();
  for (let i = 0; i < source.length; i++) profiles.add(source.at(i).profile);
  return profiles;
}

/**
 * The examples of a source whose profiles no rule holds out, in their order.
 * @param limit Number of them to draw without replacement, by the seed; all when absent.
 */
export function withoutHeldOut<E extends Profiled>(
  source: Source<E>,
  rules: readonly HoldOutRule[],
  { limit, seed = 0 }: { readonly limit?: number | undefined; readonly seed?: number } = {},
): Source<E> {
  const isOut = heldOutTest(rules, {});
  let kept: number[] = [];
  for (let i = 0; i < source.length; i++) if (!isOut(source.at(i).profile)) kept.push(i);
  if (limit !== undefined && limit < kept.length) kept = new Rng(seed, "limit").shuffle(kept).slice(0, limit);
  return select(source, kept);
}
