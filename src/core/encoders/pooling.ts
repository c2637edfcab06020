import type { HostTensor } from "../graph/index.ts";
import { makeBatch } from "../decoder/batch.ts";
import type { Decoder } from "../decoder/forward.ts";

/**
 * Ways to make one vector out of a text's T tokens: the mean, the sum over the square root of T, the mean with weights 1 to T,
 * the maximum of each element, the first token, or the last one.
 */
export const poolings = ["mean", "mean_sqrt_len_tokens", "weightedmean", "max", "cls", "lasttoken"] as const;
export type Pooling = (typeof poolings)[number];

/** Final hidden states [1, T, H] of a text of T tokens. */
export type HiddenStates = (ids: readonly number[]) => Promise<HostTensor>;

/**
 * One vector per text. Texts are run one at a time: with several threads, a product's last digits depend on how many rows
 * it has, and a vector must not depend on what is beside it, for it is kept and used again.
 * @param tokenIds At least one token per text.
 * @param ways Several ways give vectors that are put one behind the other.
 */
export async function encodeEach(
  tokenIds: readonly (readonly number[])[],
  ways: readonly Pooling[],
  hiddenStates: HiddenStates,
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for (const ids of tokenIds) {
    const hidden = await hiddenStates(ids);
    vectors.push(Float32Array.from(ways.flatMap((pooling) => [...pool(hidden, pooling)])));
  }
  return vectors;
}

function pool({ shape, data }: HostTensor, pooling: Pooling): ArrayLike<number> & Iterable<number> {
  const [, T, H] = shape as [number, number, number];
  const token = (t: number) => data.subarray(t * H, (t + 1) * H);
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
  return async (ids) => {
    const batch = makeBatch([{ ids }], { precision: decoder.precision });
    const { hidden } = await decoder.forward(batch);
    const { data } = await decoder.normalise(hidden);
    return { shape: [1, batch.tokens, decoder.config.hiddenSize], data };
  };
}
