import type { HostTensor } from "../../graph/index.ts";
import { makeBatch } from "../batch.ts";
import type { Decoder } from "../forward.ts";

/**
 * Ways to make one vector out of a text's T tokens: the mean, the sum over the square root of T, the mean with weights 1 to T,
 * the maximum of each element, the first token, or the last one.
 */
export const poolings = ["mean", "mean_sqrt_len_tokens", "weightedmean", "max", "cls", "lasttoken"] as const;
export type Pooling = (typeof poolings)[number];

/** Final hidden states [B, T, H] of B texts of T tokens each. */
export type HiddenStates = (texts: readonly (readonly number[])[]) => Promise<HostTensor>;

/** Tokens that are run at once; more only where a single text is longer. */
const BATCH_TOKENS = 2048;

/**
 * One vector per text. Only texts of equal length are run together: without padding, a vector does not depend on what
 * is beside it.
 * @param tokenIds At least one token per text.
 * @param ways Several ways give vectors that are put one behind the other.
 */
export async function encodeByLength(
  tokenIds: readonly (readonly number[])[],
  ways: readonly Pooling[],
  hiddenStates: HiddenStates,
): Promise<Float32Array[]> {
  const vectors = new Array<Float32Array>(tokenIds.length);
  const byLength = new Map<number, number[]>();
  for (const [i, { length }] of tokenIds.entries()) {
    const equal = byLength.get(length);
    if (equal) equal.push(i);
    else byLength.set(length, [i]);
  }
  for (const [length, texts] of byLength) {
    const rows = Math.max(1, Math.floor(BATCH_TOKENS / length));
    for (let start = 0; start < texts.length; start += rows) {
      const batch = texts.slice(start, start + rows);
      const hidden = await hiddenStates(batch.map((i) => tokenIds[i]!));
      for (const [row, i] of batch.entries()) {
        vectors[i] = Float32Array.from(ways.flatMap((pooling) => [...pool(hidden, row, pooling)]));
      }
    }
  }
  return vectors;
}

function pool({ shape, data }: HostTensor, row: number, pooling: Pooling): ArrayLike<number> & Iterable<number> {
  const [, T, H] = shape as [number, number, number];
  const token = (t: number) => data.subarray((row * T + t) * H, (row * T + t + 1) * H);
  if (pooling === "cls" || pooling === "lasttoken") return token(pooling === "cls" ? 0 : T - 1);
  if (pooling === "max") {
    const largest = Float32Array.from(token(0));
    for (let t = 1; t < T; t++) for (const [i, x] of token(t).entries()) largest[i] = Math.max(largest[i]!, x);
    return largest;
  }
  const weighted = pooling === "weightedmean";
  const sum = new Float64Array(H);
  for (let t = 0; t < T; t++) for (const [i, x] of token(t).entries()) sum[i]! += weighted ? (t + 1) * x : x;
  const divisor = { mean: T, mean_sqrt_len_tokens: Math.sqrt(T), weightedmean: (T * (T + 1)) / 2 }[pooling];
  return sum.map((x) => x / divisor);
}

/** A decoder's hidden states after its final norm. */
export function decoderStates(decoder: Decoder): HiddenStates {
  return async (texts) => {
    const batch = makeBatch(
      texts.map((ids) => ({ ids })),
      { precision: decoder.precision },
    );
    const { hidden } = await decoder.forward(batch);
    const { data } = await decoder.normalise(hidden);
    return { shape: [batch.rows, batch.tokens, decoder.config.hiddenSize], data };
  };
}
