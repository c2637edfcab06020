import type { ModelOptions } from "../app/model/languageModel.ts";
import { readYaml } from "../core/config/yaml.ts";
import { UsageError } from "../core/util/errors.ts";
import { excerpt } from "../core/util/show.ts";
import type { ModelFlags } from "./options.ts";

/** @throws UsageError for a setting of the chat template that cannot be read. */
export function modelOptions(flags: ModelFlags, onProgress: (message: string) => void): ModelOptions {
  const { base, adapter, revision, encoder, allowOtherBase, persona, template, attributes, device, engine, threads } =
    flags;
  return {
    base,
    adapter,
    revision,
    encoder,
    ...(allowOtherBase && { allowOtherBase }),
    persona,
    template: template && (templateSettings(template) as ModelOptions["template"]),
    attributes,
    ...(device && { device }),
    ...(engine && { engine }),
    threads: threads ?? null,
    onProgress,
  };
}

/** Settings of the chat template, each "key=value" with its value in YAML. */
function templateSettings(texts: readonly string[]): Record<string, unknown> {
  const settings = new Map<string, unknown>();
  for (const text of texts) {
    const where = `--template ${excerpt(text)}`;
    const [, name, value] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
    if (name === undefined) throw new UsageError(`${where}: expected key=value, such as enable_thinking=false`);
    if (settings.has(name)) throw new UsageError(`${where}: "${excerpt(name)}" is given twice`);
    settings.set(name, readYaml(value!, () => where).value);
  }
  return Object.fromEntries(settings);
}
