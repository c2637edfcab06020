/**
 * What this package reads in folders, for scripts/golden/readings.py to compare: for each folder given, one line of JSON on
 * standard output.
 *
 *     node dist/scripts/readings.js '{ "lines": ["a text"], "messages": [{ "role": "user", "content": "Hi" }] }' <folder> ...
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { CONFIG_FILE, loadAdapter } from "../adapters/index.ts";
import { readJson } from "../src/core/io/index.ts";
import { loadChatTemplate, loadTokenizer } from "../src/core/text/folder.ts";
import { parseConfig, type DecoderConfig } from "../src/core/decoder/index.ts";
import { checkJson, messageOf } from "../src/core/util/index.ts";

const message = z.strictObject({ role: z.enum(["system", "user", "assistant"]), content: z.string() });
const askedSchema = z.strictObject({ lines: z.array(z.string()), messages: z.array(message) });
const baseSchema = z.looseObject({ base_model_name_or_path: z.string() });
const loraSchema = z.looseObject({ r: z.number(), lora_alpha: z.number(), use_rslora: z.boolean() });
type Asked = z.infer<typeof askedSchema>;

/** A reading, or why there is none. */
function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return { error: messageOf(error) };
  }
}

function readConfig(folder: string): DecoderConfig {
  const path = join(folder, "config.json");
  return parseConfig(readJson(path), path);
}

/** The modules that an adapter changes, in order, its rank, and the factor before its product. */
function readAdapter(folder: string): unknown {
  const path = join(folder, CONFIG_FILE);
  const { base_model_name_or_path: base } = checkJson(path, readJson(path), baseSchema);
  const { sites, folderConfig } = loadAdapter(folder, readConfig(join(folder, base))).adapter;
  const { r, lora_alpha: alpha, use_rslora: stabilised } = loraSchema.parse(folderConfig);
  return { sites: sites.map((site) => site.path), r, scale: alpha / (stabilised ? Math.sqrt(r) : r) };
}

function readings(folder: string, { lines, messages }: Asked): Record<string, unknown> {
  const has = (name: string): boolean => existsSync(join(folder, name));
  return {
    folder,
    ...(has("config.json") && {
      config: attempt(() => {
        const config = readConfig(folder);
        return { ...config, noRopeLayers: [...config.noRopeLayers] };
      }),
    }),
    ...(has("tokenizer.json") && {
      ids: attempt(() => {
        const tokenizer = loadTokenizer(folder);
        return lines.map((line) => tokenizer.encode(line, { addSpecialTokens: true }));
      }),
      chat: attempt(() => loadChatTemplate(folder, loadTokenizer(folder)).prompt(messages)),
    }),
    ...(has(CONFIG_FILE) && { adapter: attempt(() => readAdapter(folder)) }),
  };
}

const [asked, ...folders] = process.argv.slice(2);
const { lines, messages } = askedSchema.parse(JSON.parse(asked!));
for (const folder of folders) console.log(JSON.stringify(readings(folder, { lines, messages })));
