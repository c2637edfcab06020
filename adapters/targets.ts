import * as z from "zod";
import type { LinearSite } from "../src/core/decoder/index.ts";
import { CumaError, messageOf, show, unknownName } from "../src/core/util/index.ts";
import { withinTime } from "../src/core/util/timeLimit.ts";

/** Module name endings, or one regular expression over whole module names, as in PEFT. */
export const targetModulesSchema = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);
export type TargetModules = z.infer<typeof targetModulesSchema>;

/**
 * The sites that `targetModules` names: each entry of a list matches the sites whose path ends in it
 * ("q_proj", "mlp.down_proj", or "all-linear" for every one); a string is a regular expression that must match a whole
 * path ("model\\.layers\\.[0-3]\\.self_attn\\.q_proj").
 * @throws CumaError where an entry matches no site.
 */
export function selectSites(sites: readonly LinearSite[], targetModules: TargetModules): LinearSite[] {
  if (typeof targetModules === "string" && targetModules !== "all-linear") {
    return matchingSites(sites, targetModules);
  }
  const endings = typeof targetModules === "string" ? [targetModules] : targetModules;
  const matches = (site: LinearSite, ending: string): boolean =>
    ending === "all-linear" || `.${site.path}`.endsWith(`.${ending}`);
  for (const ending of endings) {
    if (!sites.some((site) => matches(site, ending))) {
      const names = [...new Set(sites.map((site) => site.name.split(".")[1]!))];
      throw new CumaError(`adapter.targetModules: ${unknownName("module", ending, names)}`);
    }
  }
  return sites.filter((site) => endings.some((ending) => matches(site, ending)));
}

/** More than any pattern of names needs, however many layers there are. */
const MATCHING_SECONDS = 2;

/**
 * The sites whose whole path an expression matches. Expressions come with other people's adapters, and some would take centuries.
 * @throws CumaError where it is no expression, matches nothing, or takes too long.
 */
function matchingSites(sites: readonly LinearSite[], expression: string): LinearSite[] {
  const what = `adapter.targetModules: the expression ${show(expression)}`;
  let pattern: RegExp;
  try {
    pattern = new RegExp(`^(?:${expression})$`);
  } catch (error) {
    throw new CumaError(`${what} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const selected = withinTime(MATCHING_SECONDS, what, () => sites.filter(({ path }) => pattern.test(path)));
  if (selected.length > 0) return selected;
  throw new CumaError(`${what} matches no module; modules are named like "${sites[0]!.path}"`);
}
