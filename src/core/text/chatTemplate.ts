import * as z from "zod";
import { checkJson, CumaError, excerpt, messageOf, parseJson, show } from "../util/index.ts";
import { compileTemplate, type JinjaTemplate } from "./jinja/template.ts";
import type { ChatMessage } from "./prompt.ts";
import { defaultTemplateSettings, type TemplateSettings } from "./templateSettings.ts";
import type { TextFiles } from "./textFiles.ts";
import { TOKENIZER_CONFIG_FILE, type Tokenizer } from "./tokenizer.ts";

const TEMPLATE_FILE = "chat_template.jinja";
/** Others than the default, as transformers saves them; those are for tools and documents. */
const OTHER_TEMPLATES = "additional_chat_templates";
/** Where processors of images had theirs. */
const PROCESSOR_FILE = "chat_template.json";
const MAX_BYTES = 20_000_000;

/** Messages to the text that the model reads. */
export interface ChatTemplate {
  /** The file it comes from; null for the plain prompt of a base that has none. */
  readonly file: string | null;
  /**
   * The text up to where the model's answer begins. Every message's text stands in it.
   * @throws CumaError where the template fails, or leaves a message's text out.
   */
  prompt(messages: readonly ChatMessage[], settings?: TemplateSettings): string;
}

const templates = z.union(
  [z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))],
  "expected a string or a list of { name, template }",
);

const schema = z.looseObject({ chat_template: templates.nullish() });

/**
 * The chat template of a base: chat_template.jinja, or `chat_template` in tokenizer_config.json (a string, or the one
 * of a list that is named "default"). It gets what transformers' `apply_chat_template` gives it. Where it refuses the
 * system message or leaves its text out, that stands before the first user message instead.
 *
 * A base without a template gets a plain prompt: the messages' texts with a blank line between them, then "Answer:".
 * @throws CumaError naming the file of a template that cannot be read, or that is not where it is looked for.
 */
export function makeChatTemplate(files: TextFiles, { specialTokens }: Pick<Tokenizer, "specialTokens">): ChatTemplate {
  const found = findTemplate(files);
  if (!found) return { file: null, prompt: plainPrompt };
  const { file, source } = found;
  const template = compile(file, source);
  const render = (messages: readonly ChatMessage[], { date, ...variables }: TemplateSettings): string => {
    const given = { messages, tools: null, documents: null, add_generation_prompt: true };
    const text = template.render({ ...specialTokens, ...variables, ...given }, date);
    const missing = missingMessage(text, messages);
    if (missing) throw new CumaError(`it leaves out the text of the ${missing.role} message`);
    return text;
  };
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
        throw new CumaError(`${file}: the chat template fails: ${excerpt(messageOf(error))}`, { cause: error });
      }
    },
  };
}

function compile(file: string, source: string): JinjaTemplate {
  try {
    return compileTemplate(source);
  } catch (error) {
    throw new CumaError(`${file}: the chat template cannot be read: ${excerpt(messageOf(error))}`, { cause: error });
  }
}

function findTemplate(files: TextFiles): { file: string; source: string } | null {
  if (files.has(TEMPLATE_FILE)) {
    return { file: files.path(TEMPLATE_FILE), source: files.text(TEMPLATE_FILE, MAX_BYTES) };
  }
  if (files.has(OTHER_TEMPLATES)) {
    throw new CumaError(
      `${files.path(OTHER_TEMPLATES)}: expected the default template beside it, ${TEMPLATE_FILE}; found none`,
    );
  }
  const source = files.has(TOKENIZER_CONFIG_FILE) ? configTemplate(files) : null;
  if (source !== null) return { file: files.path(TOKENIZER_CONFIG_FILE), source };
  if (!files.has(PROCESSOR_FILE)) return null;
  throw new CumaError(
    `${files.path(PROCESSOR_FILE)}: a template here belongs to a processor of images; expected it in ${TEMPLATE_FILE}, where tokenizers have it`,
  );
}

function configTemplate(files: TextFiles): string | null {
  const config = files.path(TOKENIZER_CONFIG_FILE);
  const json = parseJson(config, files.text(TOKENIZER_CONFIG_FILE, MAX_BYTES));
  const found = checkJson(config, json, schema).chat_template ?? null;
  if (found === null || typeof found === "string") return found;
  const template = found.find(({ name }) => name === "default")?.template;
  if (template !== undefined) return template;
  const names = found.map(({ name }) => show(name)).join(", ");
  throw new CumaError(
    `${config}: "chat_template": expected a template named "default"; found ${excerpt(names || "an empty list")}`,
  );
}

/** A message whose text does not stand in a rendering, but for blanks around it; each takes a place of its own. */
function missingMessage(text: string, messages: readonly ChatMessage[]): ChatMessage | undefined {
  let rest = text;
  return [...messages]
    .sort((a, b) => b.content.length - a.content.length)
    .find(({ content }) => {
      const wanted = content.trim();
      const at = rest.indexOf(wanted);
      if (at >= 0) rest = `${rest.slice(0, at)}\0${rest.slice(at + wanted.length)}`;
      return at < 0;
    });
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
