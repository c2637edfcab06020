import { runInNewContext } from "node:vm";
import { z } from "zod";
import type { LinearSite } from "../src/models/index.ts";
import { CumaError, excerpt, messageOf, unknownName } from "../src/util/index.ts";

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
    const matched = wholeMatches(
      targetModules,
      sites.map(({ path }) => path),
    );
    const selected = sites.filter((_, i) => matched[i]);
    if (selected.length === 0) {
      throw new CumaError(
        `adapter.targetModules: no module matches the expression "${excerpt(targetModules)}"; modules are named like "${sites[0]!.path}"`,
      );
    }
    return selected;
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
const MATCHING_MS = 2000;

/**
 * Which of the names an expression matches as a whole. Expressions come with other people's adapters, and some would take
 * centuries: only in a context of its own can the matching be ended.
 * @throws CumaError where it is no expression, or does not come to an end.
 */
function wholeMatches(expression: string, names: readonly string[]): boolean[] {
  const refuse = (why: string, cause: unknown): CumaError =>
    new CumaError(`adapter.targetModules: "${excerpt(expression)}" ${why}`, { cause });
  let pattern: RegExp;
  try {
    pattern = new RegExp(`^(?:${expression})$`);
  } catch (error) {
    throw refuse(`is not a regular expression: ${excerpt(messageOf(error))}`, error);
  }
  const matched = names.map(() => false);
  const context = { pattern, names, matched };
  try {
    runInNewContext("names.forEach((name, i) => { matched[i] = pattern.test(name); })", context, {
      timeout: MATCHING_MS,
    });
  } catch (error) {
    throw refuse(`cannot be matched within ${MATCHING_MS / 1000} s; expected a simpler expression`, error);
  }
  return matched;
}
