import { floats, intTensor, type Feeds, type Precision } from "../graph/index.ts";
import { CumaError } from "../util/index.ts";
import type { DecoderConfig } from "./decoderConfig.ts";

/** Attention score of what may not be attended to: its weight is exactly 0 after the softmax in either precision. */
const BLOCKED = -1e9;

/**
 * One row of a batch: a tree of tokens. A sequence is a tree without branches. Several continuations of one text share
 * the tokens of that text, and every token sees exactly its ancestors.
 */
export interface TokenTree {
  readonly ids: ArrayLike<number>;
  /** Index of each token's parent, smaller than its own; -1 for a root. Without it every token follows the one before. */
  readonly parents?: ArrayLike<number>;
}

export interface BatchOptions {
  readonly precision: Precision;
  /** Where the padding goes; "right" by default. The answers do not depend on it. */
  readonly padding?: "left" | "right";
  /** Tokens computed before, which every row sees first. */
  readonly past?: number;
}

/** Rows as the decoder takes them. Shapes: B rows, T tokens in the longest, P tokens computed before, S = P + T. */
export interface Batch {
  readonly rows: number;
  readonly tokens: number;
  /** First token of each row: 0, or the amount of padding where that is on the left. */
  readonly starts: readonly number[];
  /** inputIds, positions int [B, T]; attentionBias [B, 1, T, S]; tokenMask [B, T]. */
  readonly feeds: Feeds & Readonly<Record<"inputIds" | "positions" | "attentionBias" | "tokenMask", Feeds[string]>>;
}

/** Pads token trees to one length. */
export function makeBatch(
  trees: readonly TokenTree[],
  { precision, padding = "right", past = 0 }: BatchOptions,
): Batch {
  const B = trees.length;
  const T = Math.max(...trees.map((tree) => tree.ids.length));
  const S = past + T;
  const inputIds = new Int32Array(B * T);
  const positions = new Int32Array(B * T);
  const tokenMask = floats(precision, B * T);
  const attentionBias = floats(precision, B * T * S).fill(BLOCKED);
  const starts: number[] = [];
  for (const [b, { ids, parents }] of trees.entries()) {
    const start = padding === "left" ? T - ids.length : 0;
    starts.push(start);
    for (let i = 0; i < ids.length; i++) {
      const at = b * T + start + i;
      const parent = parents ? parents[i]! : i - 1;
      const row = at * S;
      inputIds[at] = ids[i]!;
      tokenMask[at] = 1;
      if (parent < 0) {
        positions[at] = past;
        attentionBias.fill(0, row, row + past);
      } else {
        const from = b * T + start + parent;
        positions[at] = positions[from]! + 1;
        attentionBias.copyWithin(row, from * S, from * S + S);
      }
      attentionBias[row + past + start + i] = 0;
    }
  }
  return {
    rows: B,
    tokens: T,
    starts,
    feeds: {
      inputIds: intTensor([B, T], inputIds),
      positions: intTensor([B, T], positions),
      attentionBias: { shape: [B, 1, T, S], data: attentionBias },
      tokenMask: { shape: [B, T], data: tokenMask },
    },
  };
}

/**
 * Refuses what a model cannot attend over in full.
 * @param what Names the text in the message: 'example "12:Q3"'.
 */
export function checkLength(config: DecoderConfig, tokens: number, what: string): void {
  if (tokens > config.maxPositions) {
    throw new CumaError(`${what} has ${tokens} tokens; the base model takes ${config.maxPositions} at most`);
  }
  if (config.slidingWindow !== null && tokens > config.slidingWindow) {
    throw new CumaError(
      `${what} has ${tokens} tokens; expected at most ${config.slidingWindow}, the sliding window of the base model: longer texts would need windowed attention, which is not supported`,
    );
  }
}
