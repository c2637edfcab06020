import * as z from "zod";
import type { Profile } from "../../src/core/text/index.ts";
import { CumaError, excerpt } from "../../src/core/util/index.ts";
import { checkScoring } from "../arguments.ts";
import { distinct1, distinct2, distinct3 } from "./distinctN.ts";
import { overUnits, type UnitMetric } from "./unitMetric.ts";
import type { Ngrams } from "./ngrams.ts";
import { promptsOf, promptTexts, type PromptTexts } from "./promptTexts.ts";
import { idSchema, readRows } from "./readRows.ts";
import { attributesOf, scoreGroups, type ScoreOptions, type TextScores, type TextTable } from "./scores.ts";
import { selfBleuMetric } from "./selfBleu.ts";
import { TOKENS, tokenize } from "./tokens.ts";
import { cosineKernel, kernelOf, ngramKernel, vendi } from "./vendi.ts";

/** One text that a model wrote. */
export interface Generation {
  readonly promptId: string;
  /** Who it was written for, and whatever else tells it from others, such as the model. */
  readonly profile: Profile;
  readonly text: string;
  /** A vector of the text; null where there is none. */
  readonly embedding: readonly number[] | null;
}

export interface GenerationOptions extends ScoreOptions {
  /**
   * Similarity of two generations, for the Vendi score: 1 for equal ones, symmetric, positive semi-definite. Unless
   * given, the cosine of embeddings where the table has them, or else of n-gram counts.
   */
  readonly kernel?: (a: Generation, b: Generation) => number;
}

/** Every metric of generations. */
export const generationMetrics = {
  distinct1,
  distinct2,
  distinct3,
  selfBleu: selfBleuMetric,
  vendi,
} satisfies Record<string, UnitMetric<PromptTexts>>;

export type GenerationMetric = keyof typeof generationMetrics;

/**
 * Checks generations.
 * @param source Named in errors.
 * @throws CumaError where some rows have an embedding and others none, or embeddings differ in length, are not finite or 0.
 */
export function generationTable(rows: readonly Generation[], source = "generations"): TextTable<Generation> {
  const width = rows[0]?.embedding?.length;
  for (const [i, { promptId, embedding }] of rows.entries()) {
    const fail = (expected: string, found: string): never => {
      const where = `${source}: row ${i + 1} (prompt "${excerpt(promptId)}")`;
      throw new CumaError(`${where}: embedding: expected ${expected}; found ${found}`);
    };
    if (embedding?.length !== width) {
      const expected = width === undefined ? "none, as in the first row" : `${width} numbers, as in the first row`;
      fail(expected, embedding === null ? "none" : `${embedding.length} numbers`);
    }
    if (embedding === null) continue;
    const wrong = embedding.find((x) => !Number.isFinite(x));
    if (wrong !== undefined) fail("finite numbers", String(wrong));
    if (embedding.every((x) => x === 0)) fail("a vector that is not 0", "0");
  }
  return { rows, attributes: attributesOf(rows) };
}

const shape = {
  prompt_id: idSchema,
  text: z.string().nullable(),
  embedding: z.array(z.number()).nullish(),
};

/**
 * Reads generations from Parquet, Arrow, JSON lines, CSV or TSV: `prompt_id`, `text` and, where there are vectors,
 * `embedding` (a list; JSON in CSV and TSV). Every other column is an attribute.
 * @throws CumaError naming the file, the row (from 1) and the column.
 */
export async function readGenerations(path: string): Promise<TextTable<Generation>> {
  const rows = await readRows(path, {
    shape,
    needed: ["prompt_id", "text"],
    kinds: { text: "verbatim", embedding: "numbers" },
  });
  return generationTable(
    rows.map(({ fields: { prompt_id, text, embedding }, profile }) => ({
      promptId: prompt_id,
      profile,
      text: text ?? "",
      embedding: embedding ?? null,
    })),
    path,
  );
}

/**
 * How different the texts are that a model writes to one prompt for different people: Distinct-1, -2, -3, self-BLEU
 * and Vendi score by prompt, then the mean over prompts, with bootstrap intervals that draw prompts.
 *
 * Every row counts, also several of one profile: give one row a profile where only people shall make a difference. All
 * texts of a prompt are cut to the length, in tokens, of the shortest, since every one of these numbers depends on
 * length; the embeddings and the kernel that are given see whole rows. Texts without a token are left out, and so are
 * prompts that have fewer than two others; NaN where no prompt is left. Different is not right: noise is different too.
 * @throws CumaError for an attribute that no row has, or a kernel that is none.
 */
export function scoreGenerations(
  table: TextTable<Generation>,
  options: GenerationOptions = {},
): TextScores<GenerationMetric> {
  checkScoring(table, options);
  const withTokens = table.rows.map((row) => ({ ...row, tokens: tokenize(row.text) }));
  const scored = scoreGroups({ ...table, rows: withTokens }, options.by ?? [], (rows) => {
    const prompts = promptsOf(rows);
    const texts = prompts.map((prompt) =>
      promptTexts(prompt, (ofPrompt, orders) => kernelOfTexts(ofPrompt, orders, options)),
    );
    const excluded = {
      "empty texts": rows.filter(({ tokens }) => tokens.length === 0).length,
      "prompts with fewer than 2 texts": new Set(rows.map(({ promptId }) => promptId)).size - prompts.length,
    };
    return overUnits(generationMetrics, texts, excluded, options);
  });
  const embedded = table.rows[0]?.embedding != null;
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  return {
    samples: {
      rows: table.rows.length,
      prompts: new Set(table.rows.map(({ promptId }) => promptId)).size,
      tokens: sum(withTokens.map(({ tokens }) => tokens.length)),
      tokensCompared: sum(promptsOf(withTokens).map(({ rows, length }) => rows.length * length)),
    },
    settings: {
      tokens: TOKENS,
      selfBleu: "0 to 1; BLEU-4, exponential smoothing, effective order",
      kernel: options.kernel ? "given" : embedded ? "cosine of embeddings" : "mean cosine of 1- to 4-gram counts",
    },
    ...scored,
  };
}

function kernelOfTexts(
  rows: readonly Generation[],
  orders: readonly Ngrams[],
  { kernel }: GenerationOptions,
): number[][] {
  if (kernel) return kernelOf(rows, kernel);
  const vectors = rows.flatMap(({ embedding }) => (embedding ? [embedding] : []));
  return vectors.length > 0 ? cosineKernel(vectors) : ngramKernel(orders);
}
