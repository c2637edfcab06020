import { Template } from "@huggingface/jinja";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readJson, readText } from "../io/index.ts";
import { CumaError, messageOf } from "../util/index.ts";
import type { ChatMessage } from "./choice.ts";
import { defaultTemplateSettings, type TemplateSettings } from "./templateSettings.ts";
import { TOKENIZER_CONFIG_FILE, type Tokenizer } from "./tokenizer.ts";

const TEMPLATE_FILE = "chat_template.jinja";
const MAX_BYTES = 20_000_000;
const MAX_TEMPLATE_CHARACTERS = 200_000;

/** Messages to the text that the model reads. */
export interface ChatTemplate {
  /** The file it comes from; null for the plain prompt of a base that has none. */
  readonly file: string | null;
  /** The text up to where the model's answer begins. */
  prompt(messages: readonly ChatMessage[], settings?: TemplateSettings): string;
}

const schema = z.looseObject({
  chat_template: z
    .union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))])
    .nullish()
    .transform((found) =>
      typeof found === "string" ? found : found?.find(({ name }) => name === "default")?.template,
    ),
});

/**
 * The chat template of a base: chat_template.jinja, or `chat_template` in tokenizer_config.json (a string, or the one
 * of a list that is named "default"). Thinking is turned off where a template knows of it. Where it refuses a system
 * message, its text stands before the first user message instead.
 *
 * A base without a template gets a plain prompt: the messages' texts with a blank line between them, then "Answer:".
 * @throws CumaError naming the file of a template that cannot be read.
 */
export function loadChatTemplate(folder: string, { bosToken, eosToken }: Tokenizer): ChatTemplate {
  const found = findTemplate(folder);
  if (!found) return { file: null, prompt: plainPrompt };
  const { file, source } = found;
  if (source.length > MAX_TEMPLATE_CHARACTERS) {
    throw new CumaError(
      `${file}: the chat template has ${source.length} characters; expected at most ${MAX_TEMPLATE_CHARACTERS}`,
    );
  }
  let template: Template;
  try {
    template = new Template(source);
  } catch (error) {
    throw new CumaError(`${file}: the chat template cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const render = (messages: readonly ChatMessage[], settings: TemplateSettings): string =>
    template.render({
      messages,
      bos_token: bosToken ?? "",
      eos_token: eosToken ?? "",
      add_generation_prompt: true,
      ...settings,
    });
  return {
    file,
    prompt(messages, settings = defaultTemplateSettings) {
      try {
        return render(messages, settings);
      } catch (error) {
        const merged = mergeSystem(messages);
        try {
          if (merged) return render(merged, settings);
        } catch {
          // The first error says what the template objects to.
        }
        throw new CumaError(`${file}: the chat template fails: ${messageOf(error)}`, { cause: error });
      }
    },
  };
}

function findTemplate(folder: string): { file: string; source: string } | null {
  const jinja = join(folder, TEMPLATE_FILE);
  if (existsSync(jinja)) return { file: jinja, source: readText(jinja, MAX_BYTES) };
  const config = join(folder, TOKENIZER_CONFIG_FILE);
  if (!existsSync(config)) return null;
  const parsed = schema.safeParse(readJson(config, MAX_BYTES));
  if (!parsed.success) {
    throw new CumaError(
      `${config}: "chat_template": expected a string or a list of { name, template }, found something else`,
    );
  }
  const source = parsed.data.chat_template;
  return source === undefined ? null : { file: config, source };
}

/** The messages with the system's text in front of the first user's; undefined where there is nothing to move. */
function mergeSystem(messages: readonly ChatMessage[]): ChatMessage[] | undefined {
  const [system, user, ...rest] = messages;
  if (system?.role !== "system" || user?.role !== "user") return undefined;
  return [{ role: "user", content: `${system.content}\n\n${user.content}` }, ...rest];
}

function plainPrompt(messages: readonly ChatMessage[]): string {
  return [...messages.map(({ content }) => content), "Answer:"].join("\n\n");
}
