import { existsSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../io/index.ts";
import { makeChatTemplate, type ChatTemplate } from "./chatTemplate.ts";
import type { TextFiles } from "./textFiles.ts";
import { makeTokenizer, type Tokenizer } from "./tokenizer.ts";

/** `makeTokenizer` of a folder's files. */
export function loadTokenizer(folder: string): Tokenizer {
  return makeTokenizer(filesOf(folder));
}

/** `makeChatTemplate` of a folder's files. */
export function loadChatTemplate(folder: string, tokenizer: Pick<Tokenizer, "specialTokens">): ChatTemplate {
  return makeChatTemplate(filesOf(folder), tokenizer);
}

function filesOf(folder: string): TextFiles {
  const path = (name: string): string => join(folder, name);
  return {
    path,
    has: (name) => existsSync(path(name)),
    text: (name, maxBytes) => readText(path(name), maxBytes),
  };
}
