import { makeBatch } from "../decoder/batch.ts";
import type { Decoder } from "../decoder/forward.ts";
import { stackProfiles } from "./stackProfiles.ts";

/** Tokens of one batch of texts. */
const BATCH_TOKENS = 1024;

/**
 * Vocabulary logits.
 * @param vectors Profile vectors [D] by sequence, as the adapter takes them; null where it takes none.
 * @param positions The last token of each sequence, or every token.
 * @returns By sequence, one array [V] for each position.
 */
export async function vocabularyLogits(
  decoder: Decoder,
  inputIds: readonly (readonly number[])[],
  vectors: readonly Float32Array[] | null,
  positions: "last" | "all",
): Promise<Float32Array[][]> {
  const results: Float32Array[][] = inputIds.map(() => []);
  const order = inputIds.map((_, i) => i).sort((a, b) => inputIds[b]!.length - inputIds[a]!.length || a - b);
  for (let at = 0; at < order.length;) {
    const size = Math.max(1, Math.floor(BATCH_TOKENS / inputIds[order[at]!]!.length));
    const members = order.slice(at, at + size);
    at += size;
    const batch = makeBatch(
      members.map((i) => ({ ids: inputIds[i]! })),
      { precision: decoder.precision },
    );
    const rows = members.flatMap((i, b) => {
      const n = inputIds[i]!.length;
      return positions === "last" ? [b * batch.tokens + n - 1] : inputIds[i]!.map((_, t) => b * batch.tokens + t);
    });
    const profiles = members.map((i) => vectors?.[i]);
    const { hidden } = await decoder.forward(batch, {
      profile: stackProfiles(decoder.precision, profiles),
      rows: Int32Array.from(rows),
    });
    const { data } = await decoder.logits(hidden);
    const V = decoder.config.vocabSize;
    let row = 0;
    for (const i of members) {
      const n = positions === "last" ? 1 : inputIds[i]!.length;
      for (let k = 0; k < n; k++, row++) results[i]!.push(Float32Array.from(data.subarray(row * V, (row + 1) * V)));
    }
  }
  return results;
}
