import { makeBatch } from "../decoder/batch.ts";
import type { Decoder } from "../decoder/forward.ts";
import type { Feeds } from "../graph/index.ts";
import { stackProfiles } from "./profiles.ts";

/** What a router did with a text. E experts. */
export interface Routing {
  readonly layer: number;
  /** "model.layers.0.self_attn.router" */
  readonly router: string;
  /** Gates [E], averaged over the tokens. */
  readonly gates: readonly number[];
}

/** Where each router sends a text; nothing where the adapter has no routers. @param profile The adapter's vector of the person. */
export async function routeTokens(
  decoder: Decoder,
  ids: readonly number[],
  profile: Float32Array | undefined,
): Promise<Routing[]> {
  const { gates } = await decoder.forward(makeBatch([{ ids }], { precision: decoder.precision }), {
    profile: stackProfiles(decoder.precision, [profile]),
    keepGates: true,
  });
  return meanGates(gates, ids.length);
}

/** Gates [1, T, E] by router, averaged over the first `tokens` of the T tokens. */
export function meanGates(gates: Feeds, tokens: number): Routing[] {
  return Object.entries(gates).map(([router, { shape, data }]) => {
    const E = shape[2]!;
    const mean = Array.from({ length: E }, (_, e) => {
      let sum = 0;
      for (let t = 0; t < tokens; t++) sum += data[t * E + e]!;
      return sum / tokens;
    });
    return { layer: Number(/layers\.(\d+)\./.exec(router)![1]), router, gates: mean };
  });
}
