import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileError, makeFolder, syncFolder, writeFileAtomic } from "../../src/core/io/index.ts";
import { KEY, KINDS, METADATA_FILES, type Metadata } from "./questions.ts";
import type { SurveyRows } from "./survey.ts";

export const SPLITS = ["full", "train", "valid", "test"] as const;
export type WvsSplit = (typeof SPLITS)[number];
const TEMPORARY = ".tmp";

/**
 * Writes the rows of each split, and the metadata, so that an interrupted run leaves the old files, or lacks some: never
 * part of a file, or old beside new.
 * @param splits Numbers of rows, in the order in which they are written.
 * @throws CumaError naming the file.
 */
export function writeSplits(
  out: string,
  splits: Readonly<Record<WvsSplit, Uint32Array>>,
  rows: SurveyRows,
  { questions, files }: Metadata,
): void {
  const tables = SPLITS.flatMap((split) =>
    KINDS.map((kind) => ({ path: join(out, split, `${split}_${kind}_qa.tsv`), kind, of: splits[split] })),
  );
  try {
    for (const { path, kind, of } of tables) {
      const header = [KEY, ...questions.filter((question) => question.kind === kind).map(({ id }) => id)];
      writeLines(path + TEMPORARY, header.join("\t"), rows[kind], of);
    }
    for (const { path } of tables) attempt(path, () => rmSync(path, { force: true }));
    for (const name of METADATA_FILES) writeFileAtomic(join(out, name), files[name]!);
    for (const { path } of tables) {
      attempt(path, () => {
        renameSync(path + TEMPORARY, path);
        syncFolder(dirname(path));
      });
    }
  } finally {
    for (const { path } of tables) rmSync(path + TEMPORARY, { force: true });
  }
}

function writeLines(path: string, header: string, lines: readonly string[], order: Uint32Array): void {
  attempt(path, () => {
    makeFolder(dirname(path));
    const fd = openSync(path, "w");
    try {
      const step = 2000;
      writeFileSync(fd, `${header}\n`);
      for (let at = 0; at < order.length; at += step) {
        const piece = Array.from(order.subarray(at, at + step), (row) => `${lines[row]!}\n`);
        writeFileSync(fd, piece.join(""));
      }
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  });
}

function attempt(path: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw fileError(path, "cannot be written", error);
  }
}
