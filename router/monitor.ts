import type { Logged, Monitor } from "../src/core/decoder/index.ts";
import { entropy, jsd, normalised } from "../src/core/stats/index.ts";
import { observedRouters, type RouterStep } from "./observed.ts";

/** What the routers of a model did over a step, averaged over routers. */
export interface RoutingSummary extends Logged {
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
export function summariseRouting(routers: readonly RouterStep[], profiles: readonly number[]): RoutingSummary {
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

/** Steps before a warning, and how far a mean looks back. */
const WARMING_UP = 100;
const SMOOTHING = 0.95;

/**
 * Logs what routers do, and warns once of routers that do not learn or that send everything one way.
 * @param seesProfiles Whether the routing could depend on the profile.
 */
export function routingMonitor(seesProfiles: boolean): Monitor {
  let distance: number | undefined;
  let effective: number | undefined;
  const said = new Set<string>();
  const smooth = (old: number | undefined, next: number): number =>
    old === undefined ? next : SMOOTHING * old + (1 - SMOOTHING) * next;
  return {
    see(step, observed, profiles) {
      const logged = summariseRouting(observedRouters(observed), profiles);
      const warnings: string[] = [];
      const warn = (kind: string, message: string): void => {
        if (!said.has(kind)) warnings.push(message);
        said.add(kind);
      };
      if (logged.profileDistance !== null) distance = smooth(distance, logged.profileDistance);
      effective = smooth(effective, logged.effectiveExperts);
      if (step < WARMING_UP) return { logged, warnings };
      if (seesProfiles && distance !== undefined && distance < 0.01) {
        warn(
          "profiles",
          `the routing hardly depends on the profile (Jensen-Shannon distance ${distance.toFixed(4)}); encoder.standardize: true or a higher train.lr may help`,
        );
      }
      const experts = logged.expertLoad.length;
      if (experts > 2 && effective < 1.5) {
        warn(
          "collapse",
          `the routers send almost everything to one expert (${effective.toFixed(2)} effective of ${experts}); a lower train.lr or a higher train.loadBalance may help`,
        );
      }
      return { logged, warnings };
    },
  };
}
