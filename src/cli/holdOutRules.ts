import { holdOutRuleSchema, type HoldOutRule } from "../../datasets/heldOut.ts";
import { readYaml } from "../core/config/yaml.ts";
import { UsageError } from "../core/util/errors.ts";
import { excerpt } from "../core/util/show.ts";

/**
 * Rules of what is held out, each in YAML.
 * @throws UsageError for a text that is no rule.
 */
export function holdOutRules(texts: readonly string[]): HoldOutRule[] {
  return texts.map((text) => {
    const where = `--hold-out ${excerpt(text)}`;
    const rule = holdOutRuleSchema.safeParse(readYaml(text, () => where).value).data;
    if (rule) return rule;
    throw new UsageError(
      `${where}: expected a rule such as "{ where: { country: [Japan, Kenya] } }" or "{ by: [country], share: 0.2 }"`,
    );
  });
}
