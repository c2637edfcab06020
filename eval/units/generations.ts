import * as z from "zod";
import type { Profile } from "../../src/core/text/index.ts";
import { CumaError, excerpt } from "../../src/core/util/index.ts";
import { checkScoring } from "../arguments.ts";
import type { MetricInfo, MetricResult } from "../metrics/metric.ts";
import { distinctN } from "./distinctN.ts";
import { ngramsOf, type Ngrams } from "./ngrams.ts";
import { idSchema, readRows } from "./records.ts";
import {
  attributesOf,
  groupBy,
  meansOf,
  scoreGroups,
  type ScoreOptions,
  type TextScores,
  type TextTable,
  type Unit,
} from "./scores.ts";
import { selfBleu } from "./selfBleu.ts";
import { TOKENS, tokenize } from "./tokens.ts";
import { cosineKernel, kernelOf, ngramKernel, vendiScore } from "./vendi.ts";

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

/** A prompt with more has no Vendi score: the time for its eigenvalues grows as the cube. */
const MAX_VENDI_TEXTS = 1000;

/** Orders of n-grams: Distinct-1 to -3, BLEU-4, and the n-gram kernel. */
const ORDERS = 4;

export const generationMetrics = {
  distinct1: { title: "different words over all words", higherIsBetter: null, range: [0, 1] },
  distinct2: { title: "different 2-grams over all 2-grams", higherIsBetter: null, range: [0, 1] },
  distinct3: { title: "different 3-grams over all 3-grams", higherIsBetter: null, range: [0, 1] },
  selfBleu: { title: "BLEU-4 of each text against the prompt's others", higherIsBetter: null, range: [0, 1] },
  vendi: { title: "Vendi score, effective number of different texts", higherIsBetter: null, range: [1, Infinity] },
} as const satisfies Record<string, MetricInfo>;

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
 * How different the texts are that a model writes to one prompt for different readers: Distinct-1, -2, -3, self-BLEU
 * and Vendi score by prompt, then the mean over prompts, with bootstrap intervals that draw prompts.
 *
 * Every row counts, also several of one profile: give one row a profile where only readers shall make a difference. All
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
  const embedded = table.rows[0]?.embedding != null;
  const scored = scoreGroups({ ...table, rows: withTokens }, options.by ?? [], (rows) => scoreRows(rows, options));
  const prompts = promptsOf(withTokens);
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  return {
    samples: {
      rows: table.rows.length,
      prompts: new Set(table.rows.map(({ promptId }) => promptId)).size,
      tokens: sum(withTokens.map(({ tokens }) => tokens.length)),
      tokensCompared: sum(prompts.map(({ rows, length }) => rows.length * length)),
    },
    settings: {
      tokens: TOKENS,
      selfBleu: "0 to 1; BLEU-4, exponential smoothing, effective order",
      kernel: options.kernel ? "given" : embedded ? "cosine of embeddings" : "mean cosine of 1- to 4-gram counts",
    },
    ...scored,
  };
}

interface Tokenized extends Generation {
  readonly tokens: readonly string[];
}

/** The texts of one prompt, two or more, and the length to which they are cut. */
interface Prompt {
  readonly id: string;
  readonly rows: readonly Tokenized[];
  readonly length: number;
}

function promptsOf(rows: readonly Tokenized[]): Prompt[] {
  const withText = rows.filter(({ tokens }) => tokens.length > 0);
  return [...groupBy(withText, ({ promptId }) => promptId)].flatMap(([id, ofPrompt]) => {
    const length = ofPrompt.reduce((shortest, { tokens }) => Math.min(shortest, tokens.length), Infinity);
    return ofPrompt.length < 2 ? [] : [{ id, rows: ofPrompt, length }];
  });
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

function scoreRows(rows: readonly Tokenized[], options: GenerationOptions): Record<GenerationMetric, MetricResult> {
  const prompts = promptsOf(rows);
  const units = prompts.map((prompt): Unit<GenerationMetric> => {
    const cut = prompt.rows.map(({ tokens }) => tokens.slice(0, prompt.length));
    const orders = ngramsOf(cut, ORDERS);
    return {
      cluster: prompt.id,
      rows: cut.length,
      values: {
        distinct1: distinctN(orders[0]!),
        distinct2: distinctN(orders[1]!),
        distinct3: distinctN(orders[2]!),
        selfBleu: selfBleu(orders),
        vendi: cut.length > MAX_VENDI_TEXTS ? NaN : vendiScore(kernelOfTexts(prompt.rows, orders, options)),
      },
    };
  });
  const shared = {
    "empty texts": rows.filter(({ tokens }) => tokens.length === 0).length,
    "prompts with fewer than 2 texts": new Set(rows.map(({ promptId }) => promptId)).size - prompts.length,
  };
  const shorter = (n: number): Record<string, number> => ({
    ...shared,
    [`prompts with a text of fewer than ${n} tokens`]: prompts.filter(({ length }) => length < n).length,
  });
  const tooMany = prompts.filter((prompt) => prompt.rows.length > MAX_VENDI_TEXTS).length;
  return meansOf(
    generationMetrics,
    units,
    {
      distinct1: shared,
      distinct2: shorter(2),
      distinct3: shorter(3),
      selfBleu: shared,
      vendi: { ...shared, [`prompts with more than ${MAX_VENDI_TEXTS} texts`]: tooMany },
    },
    options,
  );
}
