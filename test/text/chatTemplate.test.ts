import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadChatTemplate } from "../../src/core/text/folder.ts";
import {
  defaultTemplateSettings,
  type ChatMessage,
  type ChatTemplate,
  type TemplateSettings,
  type Tokenizer,
} from "../../src/core/text/index.ts";
import { compileTemplate } from "../../src/core/text/jinja/template.ts";
import { goldenJson } from "../support/golden.ts";

interface Golden {
  readonly tokens: Record<string, string>;
  readonly chats: {
    name: string;
    source: string;
    messages: ChatMessage[];
    settings: Record<string, string | boolean>;
    text: string | null;
  }[];
  readonly snippets: { source: string; text: string | null }[];
}
const { tokens, chats, snippets } = goldenJson("templates.json") as Golden;
const { date } = defaultTemplateSettings;
const root = mkdtempSync(join(tmpdir(), "cuma-template-"));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

const tokenizer = { specialTokens: tokens } as unknown as Tokenizer;
const messages: ChatMessage[] = [
  { role: "system", content: "You are a person from Japan." },
  { role: "user", content: "Is family important? A. Yes. B. No." },
];

function load(source: string): ChatTemplate {
  const folder = mkdtempSync(join(root, "m"));
  writeFileSync(join(folder, "chat_template.jinja"), source);
  return loadChatTemplate(folder, tokenizer);
}

describe("renders as transformers does", () => {
  test.each(chats)("$name, $settings, $messages.length messages", ({ source, messages: chat, settings, text }) => {
    const variables = { ...tokens, ...settings, tools: null, documents: null, add_generation_prompt: true };
    const render = () => compileTemplate(source).render({ ...variables, messages: chat }, date);
    if (text === null) expect(render).toThrow();
    else expect(render()).toBe(text);
  });

  /** Jinja2 has it; here it is an error. */
  const unsupported = ["{{ 1 < 2 < 3 }}", "{{ (1,) }}"];

  test.each(snippets)("$source", ({ source, text }) => {
    const given = {
      ...tokens,
      messages: chats[0]!.messages,
      tools: null,
      documents: null,
      add_generation_prompt: true,
    };
    const render = () => compileTemplate(source).render(given, date);
    if (text === null || unsupported.includes(source)) expect(render).toThrow();
    else expect(render()).toBe(text);
  });
});

describe("every message's text stands in the prompt", () => {
  const inner = "{{ m.content }}{% endfor %}";
  const merged = "You are a person from Japan.\n\nIs family important? A. Yes. B. No.";

  test.each([
    [
      "that refuses the system",
      `{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}${inner}`,
    ],
    ["that drops the system", "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}"],
    ["that has the last message only", "{{ messages[-1].content | trim }}"],
  ])("a template %s gets it with the user's", (_, source) => {
    expect(load(source).prompt(messages)).toBe(merged);
  });

  test("blanks around a text may go", () => {
    const padded = messages.map(({ role, content }) => ({ role, content: ` ${content}\n` }));
    expect(load("{% for m in messages %}{{ m.content | trim }}|{% endfor %}").prompt(padded)).toBe(
      "You are a person from Japan.|Is family important? A. Yes. B. No.|",
    );
  });

  test("a persona that the question repeats is not taken for the system's text", () => {
    const twice: ChatMessage[] = [messages[0]!, { role: "user", content: `${messages[0]!.content} Yes?` }];
    expect(load("{{ messages[-1].content }}").prompt(twice)).toBe(
      "You are a person from Japan.\n\nYou are a person from Japan. Yes?",
    );
  });

  test.each([
    ["{% for m in messages %}{{ m.role }}{% endfor %}", "it leaves out the text of the user message"],
    ["{% for m in messages %}{{ m.content[0].text }}{% endfor %}", "it leaves out the text of the user message"],
    ["{% for m in messages %}{{ m.content | upper }}{% endfor %}", "it leaves out the text of the user message"],
    ["{{ raise_exception('never') }}", "never"],
    ["{{ nothing.at_all }}", "an undefined value has no attributes"],
  ])("%s is an error that names the template", (source, why) => {
    expect(() => load(source).prompt(messages)).toThrow(`chat_template.jinja: the chat template fails: ${why}`);
  });
});

describe("what a template is given", () => {
  const shown = (source: string, settings?: TemplateSettings): string =>
    load(`${source}{% for m in messages %}{{ m.content }}{% endfor %}`).prompt(messages, settings).split("You are")[0]!;

  test("all that apply_chat_template passes", () => {
    expect(
      shown("{% if tools is none and documents is none and add_generation_prompt %}{{ pad_token }}{% endif %}"),
    ).toBe("<pad>");
    expect(shown("{{ cls_token is defined }}{{ cls_token }}|")).toBe("False|");
  });

  test("thinking is off unless it is asked for, and other keys are the template's own", () => {
    expect(shown("{{ enable_thinking }} {{ mood is defined }}")).toBe("False False");
    expect(shown("{{ enable_thinking }} {{ mood }}", { date, enable_thinking: true, mood: "calm" })).toBe("True calm");
  });

  test("one date, whatever the clock says", () => {
    expect(shown("{{ strftime_now('%d %b %Y') }}")).toBe("26 Jul 2024");
    expect(shown("{{ strftime_now('%A, %-d %B %Y') }}", { date: "2025-01-05", enable_thinking: false })).toBe(
      "Sunday, 5 January 2025",
    );
    expect(() => shown("{{ strftime_now('%s') }}")).toThrow('strftime_now: "%s" is not supported');
  });
});

describe("where the template stands", () => {
  const body = "{% for m in messages %}{{ m.content }}{% endfor %}";
  const folderWith = (files: Readonly<Record<string, string>>): string => {
    const folder = mkdtempSync(join(root, "m"));
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    return folder;
  };
  const list = (...names: string[]): string =>
    JSON.stringify({ chat_template: names.map((name) => ({ name, template: `${name}: ${body}` })) });

  test("chat_template.jinja before tokenizer_config.json, there the one named default", () => {
    const config = { "tokenizer_config.json": list("tool_use", "default") };
    expect(loadChatTemplate(folderWith(config), tokenizer).prompt(messages)).toMatch(/^default: /);
    const others = { "chat_template.jinja": body, "additional_chat_templates/rag.jinja": "rag" };
    expect(loadChatTemplate(folderWith({ ...config, ...others }), tokenizer).prompt(messages)).toMatch(/^You are/);
  });

  test.each<[Record<string, string>, RegExp]>([
    [
      { "tokenizer_config.json": list("tool_use", "rag") },
      /config\.json: "chat_template": expected a template named "default"; found "tool_use", "rag"/,
    ],
    [{ "tokenizer_config.json": '{"chat_template": []}' }, /expected a template named "default"; found an empty list/],
    [
      { "tokenizer_config.json": '{"chat_template": 7}' },
      /"chat_template": expected a string or a list of .*; found 7/,
    ],
    [
      { "additional_chat_templates/rag.jinja": body },
      /additional_chat_templates: expected the default template beside it/,
    ],
    [{ "chat_template.json": list("default") }, /chat_template\.json: a template here belongs to a processor/],
    [{ "chat_template.jinja": "{% if %}" }, /chat_template\.jinja: the chat template cannot be read/],
  ])("%o is refused", (files, message) => {
    expect(() => loadChatTemplate(folderWith(files), tokenizer)).toThrow(message);
  });
});

describe("a template that computes without bound ends with an error", () => {
  const double = (value: string) =>
    `{% set ns = namespace(a=['x']) %}{% for i in range(64) %}{% set ns.a = ${value} %}{% endfor %}`;
  const loops = (n: number) => `${"{% for x in range(1000) %}".repeat(n)}x${"{% endfor %}".repeat(n)}`;

  test.each([
    ["nested loops", loops(4), "computes too much"],
    ["a range", "{{ range(10**9) }}", "expected at most 100000"],
    ["a list that doubles", double("ns.a + ns.a"), "computes too much"],
    ["a list of itself twice, printed", `${double("[ns.a, ns.a]")}{{ ns.a }}`, "computes too much"],
    ["the same as JSON", `${double("[ns.a, ns.a]")}{{ ns.a | tojson }}`, "computes too much"],
    ["a text repeated", "{{ 'a' * 10**9 }}", "computes too much"],
    ["a replacement", "{% set s = 'a' * 10**6 %}{{ s.replace('a', s) }}", "computes too much"],
    ["a list joined", "{{ (['a' * 10**6] * 10**5) | join }}", "computes too much"],
    [
      "search in a list, again and again",
      "{% set l = range(10**5) %}{% for i in l %}{% if -1 in l %}{% endif %}{% endfor %}",
      "computes too much",
    ],
    ["a macro that calls itself", "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", "100 deep"],
    ["a call block in itself", "{% macro m() %}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}", "100 deep"],
  ])("%s", (_, source, message) => {
    expect(() => load(source).prompt(messages)).toThrow(message);
  });

  test.each([
    ["parentheses", `{{ ${"(".repeat(90_000)}1${")".repeat(90_000)} }}`, "cannot be read: Maximum call stack"],
    ["blanks", `a${" ".repeat(150_000)}b`, "blanks in a row"],
    ["length", "a".repeat(200_001), "expected at most 200000"],
  ])("%s in the source", (_, source, message) => {
    expect(() => load(source)).toThrow(message);
  });
});
