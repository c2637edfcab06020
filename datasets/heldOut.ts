import { z } from "zod";
import type { Profile } from "../src/models/index.ts";
import { Rng } from "../src/util/index.ts";
import type { ExampleSource } from "./records.ts";

const values = z.union([z.string(), z.array(z.string()).min(1)]);

/**
 * One rule of what is held out: the profiles that have one of the given values in every attribute of `where`, or about
 * the share `share` of the groups that the combined values of the attributes `by` make, drawn by `seed`. Whether a group is drawn
 * depends on its own values alone, so that every split and every data set has the same ones.
 */
export const holdOutRuleSchema = z.union([
  z.strictObject({ where: z.record(z.string(), values).refine((where) => Object.keys(where).length > 0) }),
  z.strictObject({
    by: z.array(z.string()).min(1),
    share: z.number().gt(0).lt(1),
    seed: z.int().nonnegative().default(0),
  }),
]);

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
  source: Pick<ExampleSource, "isHeldOut">,
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
export function ruleAttributes(rules: readonly HoldOutRule[]): string[] {
  return [...new Set(rules.flatMap((rule) => ("where" in rule ? Object.keys(rule.where) : rule.by)))];
}

/**
 * The examples of a source whose profiles no rule holds out, in their order.
 * @param limit Number of them to draw without replacement, by the seed; all when absent.
 */
export function withoutHeldOut(
  source: ExampleSource,
  rules: readonly HoldOutRule[],
  { limit, seed = 0 }: { readonly limit?: number | undefined; readonly seed?: number } = {},
): ExampleSource {
  const isOut = heldOutTest(rules, {});
  let kept: number[] = [];
  for (let i = 0; i < source.length; i++) if (!isOut(source.at(i).profile)) kept.push(i);
  if (limit !== undefined && limit < kept.length) kept = new Rng(seed, "limit").shuffle(kept).slice(0, limit);
  return select(source, kept);
}

/** The examples of a source at given positions. */
export function select(source: ExampleSource, positions: readonly number[]): ExampleSource {
  return {
    ...source,
    length: positions.length,
    at(index) {
      const at = positions[index];
      if (at === undefined) throw new RangeError(`expected an index in [0, ${positions.length}); found ${index}`);
      return source.at(at);
    },
  };
}
