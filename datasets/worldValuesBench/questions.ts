import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readBytes, readJson } from "../../src/core/io/index.ts";
import { checkJson, CumaError, excerpt } from "../../src/core/util/index.ts";

/** Number of an interview. */
export const KEY = "D_INTERVIEW";
/** A file of demographic answers and one of values stand side by side. */
export const KINDS = ["demographic", "value"] as const;
export const METADATA_FILES = ["question_metadata.json", "codebook.json", "answer_adjustment.json"] as const;
const MAX_METADATA_BYTES = 512_000_000;

const metadataSchema = z.record(
  z.string(),
  z.discriminatedUnion("answer_data_type", [
    z.object({
      answer_data_type: z.literal("ordinal"),
      use_case: z.enum(KINDS),
      answer_scale_min: z.int().min(0),
      answer_scale_max: z.int().min(0),
    }),
    z.object({ answer_data_type: z.literal("non_ordinal"), use_case: z.literal("demographic") }),
  ]),
);
const codebookSchema = z.record(z.string(), z.object({ choices: z.record(z.string(), z.string()) }));
const adjustmentSchema = z.record(z.string(), z.record(z.string(), z.string().regex(/^\d*$/)));

/** A question as the survey's codes are read by it. */
export interface Question {
  readonly id: string;
  readonly kind: (typeof KINDS)[number];
  /** Lowest and highest answer of an ordinal question; the others have texts. */
  readonly scale: readonly [number, number] | null;
  readonly choices: Readonly<Record<string, string>>;
  readonly adjusted: Readonly<Record<string, string>>;
}

/** What the benchmark's three json files say. */
export interface Metadata {
  readonly questions: readonly Question[];
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** @throws CumaError naming the file that is missing or not as the benchmark has it. */
export function readMetadata(dir: string): Metadata {
  const [metadataPath, codebookPath, adjustmentPath] = METADATA_FILES.map((name) => {
    const found = ["", "dataset_construction", "WorldValuesBench"].map((folder) => join(dir, folder, name));
    const path = found.find((candidate) => existsSync(candidate));
    if (path === undefined) throw new CumaError(`${dir}: expected a file ${name}; found none`);
    return path;
  }) as [string, string, string];
  const codebook = checkJson(codebookPath, readJson(codebookPath), codebookSchema);
  const adjustment = checkJson(adjustmentPath, readJson(adjustmentPath), adjustmentSchema);
  const questions = Object.entries(checkJson(metadataPath, readJson(metadataPath), metadataSchema)).flatMap(
    ([id, entry]): Question[] => {
      if (id === KEY) return [];
      const choices = codebook[id]?.choices;
      if (!choices)
        throw new CumaError(`${codebookPath}: ${excerpt(id)}: expected an entry for this question; found none`);
      const scale =
        entry.answer_data_type === "ordinal" ? ([entry.answer_scale_min, entry.answer_scale_max] as const) : null;
      return [{ id, kind: entry.use_case, scale, choices, adjusted: adjustment[id] ?? {} }];
    },
  );
  const paths = [metadataPath, codebookPath, adjustmentPath];
  return {
    questions,
    files: Object.fromEntries(METADATA_FILES.map((name, i) => [name, readBytes(paths[i]!, MAX_METADATA_BYTES)])),
  };
}
