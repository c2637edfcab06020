import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileError, writeFileAtomic } from "../../src/io/index.ts";

export function writeText(folder: string, name: string, text: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw fileError(folder, "cannot be made", error);
  }
  writeFileAtomic(join(folder, name), new TextEncoder().encode(text));
}

export function writeJson(folder: string, name: string, content: unknown): void {
  writeText(folder, name, `${JSON.stringify(content, null, 1)}\n`);
}

export function writeJsonLines(folder: string, name: string, rows: readonly unknown[]): void {
  writeText(folder, name, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}
