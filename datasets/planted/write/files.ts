import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../../src/core/io/index.ts";

export function writeText(folder: string, name: string, text: string): void {
  makeFolder(folder);
  writeFileAtomic(join(folder, name), new TextEncoder().encode(text));
}

export function writeJson(folder: string, name: string, content: unknown): void {
  writeText(folder, name, `${JSON.stringify(content, null, 1)}\n`);
}

export function writeJsonLines(folder: string, name: string, rows: readonly unknown[]): void {
  writeText(folder, name, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}
