/**
 * Latent topology: how groups of people lie to each other in what a model's routers do with them. Pure analysis of
 * gates; what runs the model is elsewhere. G groups, R routers, E experts.
 */
import { jsd, normalised } from "../../src/core/stats/index.ts";
import { Rng } from "../../src/core/util/index.ts";
import { testAgreement } from "./agreement.ts";
import { averageLinkage, cutTree, type Clustering } from "./clustering.ts";
import { classicalScaling, type Point } from "./embedding.ts";
import { mutualInformation, type MutualInformation, type RoutedProfiles } from "./information.ts";
import { mantelTest } from "./mantel.ts";

export interface Topology {
  readonly groups: readonly { readonly name: string; readonly profiles: number }[];
  readonly experts: number;
  /** Mean gates of each group [G][E] by router: over tokens, texts and the group's profiles by weight. */
  readonly routers: readonly { readonly router: string; readonly layer: number; readonly usage: number[][] }[];
  /** Mean over routers [G][E]. */
  readonly usage: readonly (readonly number[])[];
  /** Mean over routers of the Jensen-Shannon distance (base 2, square root) between the groups' gates [G][G], in [0, 1]. */
  readonly distances: readonly (readonly number[])[];
  /** Average linkage of `distances`. */
  readonly clustering: Clustering;
  /** Classical scaling of `distances`, by group. */
  readonly embedding: readonly Point[];
  /** Between each attribute of the profiles and the expert. */
  readonly mutualInformation: Readonly<Record<string, MutualInformation>>;
  /** Of the tree, cut into as many clusters as the reference has labels, with the reference; labels by group. */
  readonly agreement: {
    readonly adjustedRand: number;
    readonly p: number;
    readonly clusters: readonly number[];
    readonly reference: readonly string[];
  } | null;
  /** Between the routing and the answers of the groups. */
  readonly mantel: { readonly r: number; readonly p: number; readonly questions: number } | null;
}

export interface TopologyInput extends RoutedProfiles {
  readonly names: readonly { readonly router: string; readonly layer: number }[];
  readonly groups: readonly string[];
  /** Group of each profile; every group has one or more. */
  readonly groupOf: readonly number[];
  /** Codes of each profile's value by attribute, -1 where it has none. */
  readonly attributes: ReadonlyMap<string, ArrayLike<number>>;
  /** By group. */
  readonly reference: readonly string[] | null;
  /** Distances between the answers of the groups in `members`. */
  readonly answers: {
    readonly members: readonly number[];
    readonly distances: readonly (readonly number[])[];
    readonly questions: number;
  } | null;
  readonly permutations: number;
  readonly seed: number;
}

/** The topology of routed profiles. Equal input gives equal numbers. */
export function routingTopology(input: TopologyInput): Topology {
  const { names, groups, groupOf, experts, attributes, reference, answers, permutations, seed } = input;
  const stream = (...path: string[]): Rng => new Rng(seed, "topology", ...path);
  const usage = groupUsage(input);
  const distances = routingDistances(usage);
  const clustering = averageLinkage(distances);
  const clusters = reference && cutTree(clustering, new Set(reference).size);
  const among = answers?.members.map((a) => answers.members.map((b) => distances[a]![b]!));
  return {
    groups: groups.map((name, g) => ({ name, profiles: groupOf.filter((other) => other === g).length })),
    experts,
    routers: names.map((name, r) => ({ ...name, usage: usage[r]! })),
    usage: groups.map((_, g) => mean(usage.map((router) => router[g]!))),
    distances,
    clustering,
    embedding: classicalScaling(distances),
    mutualInformation: Object.fromEntries(
      [...attributes].map(([name, codes]) => [
        name,
        mutualInformation(codes, input, permutations, stream("mutualInformation", name)),
      ]),
    ),
    agreement: clusters && {
      ...testAgreement(clusters, reference, permutations, stream("agreement")),
      clusters,
      reference,
    },
    mantel: answers && {
      ...mantelTest(among!, answers.distances, permutations, stream("mantel")),
      questions: answers.questions,
    },
  };
}

/** Mean gates [R][G][E]. */
export function groupUsage({
  routers: R,
  experts: E,
  gates,
  weights,
  groups,
  groupOf,
}: RoutedProfiles & Pick<TopologyInput, "groups" | "groupOf">): number[][][] {
  const usage = Array.from({ length: R }, () => groups.map(() => new Array<number>(E).fill(0)));
  const totals = groups.map(() => 0);
  for (const [i, g] of groupOf.entries()) totals[g]! += weights[i]!;
  for (const [i, g] of groupOf.entries()) {
    const share = weights[i]! / totals[g]!;
    for (let r = 0; r < R; r++) for (let e = 0; e < E; e++) usage[r]![g]![e]! += share * gates[i]![r * E + e]!;
  }
  return usage;
}

/** Mean over routers of the Jensen-Shannon distances between groups: usage [R][G][E], each row scaled to sum to 1 -> [G][G]. */
export function routingDistances(usage: readonly (readonly (readonly number[])[])[]): number[][] {
  const G = usage[0]!.length;
  const distances = Array.from({ length: G }, () => new Array<number>(G).fill(0));
  for (let a = 0; a < G; a++) {
    for (let b = 0; b < a; b++) {
      const sum = usage.reduce((total, router) => total + jsd(normalised(router[a]!), normalised(router[b]!)), 0);
      distances[a]![b] = distances[b]![a] = sum / usage.length;
    }
  }
  return distances;
}

function mean(rows: readonly (readonly number[])[]): number[] {
  return rows[0]!.map((_, e) => rows.reduce((sum, row) => sum + row[e]!, 0) / rows.length);
}
