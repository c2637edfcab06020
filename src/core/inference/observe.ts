import { makeBatch } from "../decoder/batch.ts";
import type { Decoder } from "../decoder/forward.ts";
import type { Feeds } from "../graph/index.ts";
import { stackProfiles } from "./stackProfiles.ts";

/**
 * What the adapter lets be seen of every token of a text [1, T, ...], by name; nothing where it shows nothing.
 * @param profile The adapter's vector of the person.
 */
export async function observeTokens(
  decoder: Decoder,
  ids: readonly number[],
  profile: Float32Array | undefined,
): Promise<Feeds> {
  const { observed } = await decoder.forward(makeBatch([{ ids }], { precision: decoder.precision }), {
    profile: stackProfiles(decoder.precision, [profile]),
    observe: true,
  });
  return observed;
}
