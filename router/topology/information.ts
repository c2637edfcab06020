import { entropy, permutationP, ROUNDING } from "../../src/core/stats/index.ts";
import { type Rng } from "../../src/core/util/index.ts";

/** Profiles with their routing. R routers, E experts. */
export interface RoutedProfiles {
  readonly routers: number;
  readonly experts: number;
  /** By profile: mean gates [R * E], router by router. */
  readonly gates: readonly ArrayLike<number>[];
  /** By profile, above 0. */
  readonly weights: ArrayLike<number>;
}

export interface MutualInformation {
  /** In nats, 0 or more. */
  readonly value: number;
  /** Of the test that permutes the values over the profiles. */
  readonly p: number;
  /** `value` over the most there could be, in [0, 1]; NaN where that is 0. */
  readonly normalised: number;
}

/**
 * Mutual information between an attribute of profiles and the expert, the mean over routers of
 * ```
 * I_r = sum_a sum_e p_r(a, e) log(p_r(a, e) / (p(a) p_r(e)))      p_r(a, e): the weighted share of the profiles with value a, times their mean gates at router r, scaled to sum to 1
 * ```
 * 0: the experts used do not tell the value; log A: with A equally frequent values they tell it wholly. `normalised` is
 * I / mean_r min(H(a), H_r(e)), 1 where one of the two follows from the other. Finite tables of profiles give more than 0
 * by chance, which is what the p-value is for.
 * @param codes By profile: its value from 0, or -1 for profiles that lack the attribute, which are left out.
 */
export function mutualInformation(
  codes: ArrayLike<number>,
  { routers: R, experts: E, gates, weights }: RoutedProfiles,
  permutations: number,
  rng: Rng,
): MutualInformation {
  const members = gates.map((_, i) => i).filter((i) => codes[i]! >= 0);
  const labels = Int32Array.from(members, (i) => codes[i]!);
  const values = labels.reduce((most, code) => Math.max(most, code + 1), 0);
  const total = members.reduce((sum, i) => sum + weights[i]!, 0);
  const shares = members.map((i) => scaled(gates[i]!, R, E, weights[i]! / total));
  const observed = informationOf(labels, values, shares, R, E);
  const p = permutationP(observed.value, permutations, () => {
    rng.shuffle(labels);
    return informationOf(labels, values, shares, R, E).value;
  });
  const { value, most } = observed;
  return { value, p, normalised: most > ROUNDING ? Math.min(1, value / most) : NaN };
}

/** Gates [R * E] so that each router's sum to `mass`. */
function scaled(gates: ArrayLike<number>, R: number, E: number, mass: number): Float64Array {
  const shares = Float64Array.from(gates);
  for (let r = 0; r < R; r++) {
    const one = shares.subarray(r * E, (r + 1) * E);
    const sum = one.reduce((a, b) => a + b, 0);
    for (let e = 0; e < E; e++) one[e]! *= mass / sum;
  }
  return shares;
}

/** Means over routers: I, and min(H(a), H_r(e)). */
function informationOf(
  labels: Int32Array,
  values: number,
  shares: readonly Float64Array[],
  R: number,
  E: number,
): { readonly value: number; readonly most: number } {
  const joint = new Float64Array(values * R * E);
  for (const [i, share] of shares.entries()) {
    const from = labels[i]! * R * E;
    for (let k = 0; k < R * E; k++) joint[from + k]! += share[k]!;
  }
  let value = 0;
  let most = 0;
  const ofValue = new Float64Array(values);
  const ofExpert = new Float64Array(E);
  for (let r = 0; r < R; r++) {
    ofValue.fill(0);
    ofExpert.fill(0);
    for (let a = 0; a < values; a++) {
      for (let e = 0; e < E; e++) {
        const p = joint[(a * R + r) * E + e]!;
        ofValue[a]! += p;
        ofExpert[e]! += p;
      }
    }
    for (let a = 0; a < values; a++) {
      for (let e = 0; e < E; e++) {
        const p = joint[(a * R + r) * E + e]!;
        if (p > 0) value += p * Math.log(p / (ofValue[a]! * ofExpert[e]!));
      }
    }
    most += Math.min(entropy(ofValue), entropy(ofExpert));
  }
  return { value: Math.max(0, value / R), most: Math.max(0, most / R) };
}
