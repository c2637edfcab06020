/** How results say what they come from; every result file begins with it. */
import * as z from "zod";
import type { PredictionTable } from "../../eval/index.ts";
import { sha256File } from "../core/io/index.ts";
import type { ModelOptions } from "./model/languageModel.ts";
import type { PromptSettings } from "./model/prompts.ts";
import { gitHash, versions } from "./package.ts";

export const settingsSchema = z.record(z.string(), z.unknown());

export const hashesSchema = z.record(z.string(), z.string());

/** The fields of `Provenance` in a file. */
export const provenanceShape = {
  seed: z.int(),
  versions: z.record(z.string(), z.string()),
  /** The commit that the package was built from; null where it is not known. */
  gitHash: z.string().nullable(),
};

export interface Provenance<Config> {
  readonly config: Config;
  readonly seed: number;
  /** Of what the numbers depend on. */
  readonly versions: Record<string, string>;
  readonly gitHash: string | null;
}

export function provenance<Config>(config: Config, seed: number): Provenance<Config>;
export function provenance<Config>(config: Config): Omit<Provenance<Config>, "seed">;
export function provenance<Config>(config: Config, seed?: number): Omit<Provenance<Config>, "seed"> {
  return { config, ...(seed !== undefined && { seed }), versions: versions(), gitHash: gitHash() };
}

/** The model of a configuration with what the adapter or the defaults decide where the caller left it open. */
export function modelConfig(
  options: ModelOptions,
  { persona, template }: PromptSettings,
  attributes: readonly string[],
) {
  return { ...options, onProgress: undefined, persona, template, attributes };
}

/** SHA-256 by file. */
export async function hashFiles(paths: readonly string[]): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await sha256File(path)] as const)));
}

export interface SampleCounts {
  readonly examples: number;
  readonly participants: number;
  readonly questions: number;
}

/** What predictions are of. */
export function sampleCounts({ rows, participant, questions }: PredictionTable): SampleCounts {
  return { examples: rows, participants: participant.values.length, questions: questions.length };
}
