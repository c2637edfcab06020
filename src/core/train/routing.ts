import { entropy, jsd, normalised } from "../stats/index.ts";
import type { RouterStats } from "./plan.ts";

/** What the routers of a model did over a step, averaged over routers. */
export interface RoutingSummary {
  /** Share of the tokens sent to each expert [E]; routers with other numbers of experts are not averaged over. */
  readonly expertLoad: readonly number[];
  /** exp of the entropy of the load: E where experts share the work evenly, 1 where one does all. */
  readonly effectiveExperts: number;
  readonly gateMax: number;
  /**
   * Mean Jensen-Shannon distance (square root of the divergence in bits, 0 to 1) between the mean gates of every two
   * rows with different profiles; null where there are no such rows. 0: the routing does not depend on the profile.
   */
  readonly profileDistance: number | null;
}

/** @param profiles The profile of each row of the batches, in the order of `rowGates`. */
export function summariseRouting(routers: readonly RouterStats[], profiles: readonly number[]): RoutingSummary {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const distances = routers.flatMap(({ rowGates }) => {
    const distance = meanDistance(rowGates, profiles);
    return distance === null ? [] : [distance];
  });
  return {
    expertLoad: routers[0]!.load.map((_, e) => mean(routers.map(({ load }) => load[e]!))),
    effectiveExperts: mean(routers.map(({ load }) => Math.exp(entropy(load)))),
    gateMax: mean(routers.map(({ gateMax }) => gateMax)),
    profileDistance: distances.length === 0 ? null : mean(distances),
  };
}

/** Adds up what one router did over the micro-batches of a step. @param tokens Of each micro-batch. */
export function mergeRouters(
  parts: readonly (readonly RouterStats[])[],
  tokens: readonly number[],
): readonly RouterStats[] {
  if (parts.length === 1) return parts[0]!;
  const total = tokens.reduce((a, b) => a + b, 0);
  const average = (values: readonly number[]): number =>
    values.reduce((sum, x, i) => sum + (x * tokens[i]!) / total, 0);
  return parts[0]!.map(({ name, load }, r) => ({
    name,
    balance: average(parts.map((part) => part[r]!.balance)),
    load: load.map((_, e) => average(parts.map((part) => part[r]!.load[e]!))),
    rowGates: parts.flatMap((part) => part[r]!.rowGates),
    gateMax: average(parts.map((part) => part[r]!.gateMax)),
  }));
}

function meanDistance(rows: readonly (readonly number[])[], profiles: readonly number[]): number | null {
  let sum = 0;
  let pairs = 0;
  for (let a = 0; a < rows.length; a++) {
    for (let b = a + 1; b < rows.length; b++) {
      if (profiles[a] === profiles[b]) continue;
      sum += jsd(normalised(rows[a]!), normalised(rows[b]!));
      pairs++;
    }
  }
  return pairs === 0 ? null : sum / pairs;
}
