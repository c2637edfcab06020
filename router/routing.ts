import type { Feeds } from "../src/core/graph/index.ts";
import { observedGates } from "./observed.ts";

/** What a router did with a text. E experts. */
export interface Routing {
  readonly layer: number;
  /** "model.layers.0.self_attn.router" */
  readonly router: string;
  /** Gates [E], averaged over the tokens. */
  readonly gates: readonly number[];
}

/**
 * Where each router sent a text; nothing where there are no routers.
 * @param observed What one forward pass of the text observed of every token [1, T, ...].
 * @param tokens How many of the T are averaged, from the first.
 */
export function routingOf(observed: Feeds, tokens: number): Routing[] {
  return Object.entries(observedGates(observed)).map(([router, { shape, data }]) => {
    const E = shape[2]!;
    const mean = Array.from({ length: E }, (_, e) => {
      let sum = 0;
      for (let t = 0; t < tokens; t++) sum += data[t * E + e]!;
      return sum / tokens;
    });
    return { layer: Number(/layers\.(\d+)\./.exec(router)![1]), router, gates: mean };
  });
}
