import {
  readGenerations,
  readJudgements,
  readPreferences,
  readRewards,
  scoreGenerations,
  scoreJudgements,
  scorePreferences,
  scoreRewards,
  type ScoreOptions,
  type TextScores,
} from "../../eval/index.ts";
import { intoFile } from "../core/io/index.ts";
import { hashFiles, provenance, type Provenance } from "./provenance.ts";

/** How each kind of file is read and scored. */
const kinds = {
  generations: async (path, options) => scoreGenerations(await readGenerations(path), options),
  judgements: async (path, options) => scoreJudgements(await readJudgements(path), options),
  preferences: async (path, options) => scorePreferences(await readPreferences(path), options),
  rewards: async (path, options) => scoreRewards(await readRewards(path), options),
} as const satisfies Record<string, (path: string, options: ScoreOptions) => Promise<TextScores<string>>>;

export type TextKind = keyof typeof kinds;

export interface TextScoreConfig {
  /** Attributes whose combined values make the groups; null: no groups. */
  readonly by: readonly string[] | null;
  /** Resamples behind each interval. */
  readonly resamples: number;
  readonly seed: number;
  /** File for the results; none is written unless given. */
  readonly out?: string | null;
  readonly overwrite?: boolean;
}

/** Numbers that do not apply are null in JSON. */
export interface TextResults extends TextScores<string>, Provenance<TextScoreConfig & { readonly path: string }> {
  readonly kind: TextKind;
  /** SHA-256 of what was read. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Scores a file of generations, judgements, preferences or rewards, overall and by group.
 * @throws CumaError naming the file, the row and the column of what is wrong.
 */
export async function scoreTexts(kind: TextKind, path: string, config: TextScoreConfig): Promise<TextResults> {
  const { by, resamples, seed, out = null, overwrite = false } = config;
  return intoFile(out, { overwrite, inputs: [path] }, async () => ({
    kind,
    ...provenance({ path, by, resamples, seed }, seed),
    files: await hashFiles([path]),
    ...(await kinds[kind](path, { by: by ?? [], resamples, seed })),
  }));
}
