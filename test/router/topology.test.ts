import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { groupUsage, routingDistances, routingTopology, type TopologyInput } from "../../router/topology/topology.ts";
import { adjustedRand, testAgreement } from "../../router/topology/agreement.ts";
import { averageLinkage, cutTree, type Clustering } from "../../router/topology/clustering.ts";
import { classicalScaling } from "../../router/topology/embedding.ts";
import { mutualInformation } from "../../router/topology/information.ts";
import { mantelTest } from "../../router/topology/mantel.ts";
import { permutationP } from "../../src/core/stats/index.ts";
import { Rng } from "../../src/core/util/index.ts";
import { goldenJson } from "../support/golden.ts";

interface Golden {
  groups: {
    usage: number[][][];
    distances: number[][];
    heights: number[];
    cophenetic: number[][];
    cuts: Record<string, number[]>;
    points: [number, number][];
  }[];
  information: { codes: number[]; weights: number[]; gates: number[][][]; value: number; normalised: number }[];
  partitions: { first: number[]; second: number[]; adjustedRand: number }[];
  mantel: { first: number[][]; second: number[][]; r: number }[];
}
const golden = goldenJson("topology.json") as Golden;

function expectClose(found: unknown, expected: unknown): void {
  const [a, b] = [[found].flat(3) as number[], [expected].flat(3) as number[]];
  expect(a.length).toBe(b.length);
  for (const [i, value] of a.entries()) {
    expect(Math.abs(value - b[i]!), `${value} against ${b[i]!} at ${i}`).toBeLessThan(1e-9);
  }
}

/** Height of the lowest merge that joins each two leaves. */
function cophenetic({ merges, order }: Clustering): number[][] {
  const leaves = order.length;
  const members = order.map((_, leaf) => [leaf]);
  const heights = order.map(() => new Array<number>(leaves).fill(0));
  for (const { left, right, height } of merges) {
    for (const a of members[left]!) for (const b of members[right]!) heights[a]![b] = heights[b]![a] = height;
    members.push([...members[left]!, ...members[right]!]);
  }
  return heights;
}

/** Labels numbered in the order in which they come. */
function renumbered(labels: readonly number[]): number[] {
  const seen = [...new Set(labels)];
  return labels.map((label) => seen.indexOf(label));
}

describe.each(golden.groups)(
  "groups equal scipy's, case %#",
  ({ usage, distances, heights, cuts, points, ...tree }) => {
    const found = routingDistances(usage);
    const clustering = averageLinkage(found);
    test("distances", () => expectClose(found, distances));
    test("tree", () => {
      expectClose(
        clustering.merges.map(({ height }) => height),
        heights,
      );
      expectClose(cophenetic(clustering), tree.cophenetic);
    });
    test.each(Object.entries(cuts))("cut into %s", (k, labels) => {
      expect(cutTree(clustering, Number(k))).toEqual(renumbered(labels));
    });
    test("embedding", () => {
      expectClose(
        classicalScaling(found).map(({ x, y }) => [x, y]),
        points,
      );
    });
  },
);

test.each(golden.information)("mutual information equals numpy's, case %#", ({ gates, codes, ...expected }) => {
  const { value, normalised } = mutualInformation(codes, routed(gates, expected.weights), 0, new Rng(0));
  expectClose([value, normalised], [expected.value, expected.normalised]);
});

test.each(golden.partitions)("adjustedRand equals scikit-learn's, case %#", ({ first, second, ...expected }) => {
  expectClose(adjustedRand(first, second), expected.adjustedRand);
});

test.each(golden.mantel)("the Mantel r equals scipy's pearsonr, case %#", ({ first, second, r }) => {
  expectClose(mantelTest(first, second, 0, new Rng(0)).r, r);
});

/** @param gates [P][R][E] */
function routed(gates: readonly (readonly (readonly number[])[])[], weights = gates.map(() => 1)) {
  return { routers: gates[0]!.length, experts: gates[0]![0]!.length, gates: gates.map((rows) => rows.flat()), weights };
}

const gate = fc.double({ min: 0.01, max: 1, noNaN: true });
const usages = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 2, max: 9 }), fc.integer({ min: 2, max: 5 }))
  .chain(([R, G, E]) => fc.array(gate, { minLength: R * G * E, maxLength: R * G * E }).map((all) => ({ R, G, E, all })))
  .map(({ R, G, E, all }) =>
    Array.from({ length: R }, (_, r) =>
      Array.from({ length: G }, (_, g) => all.slice((r * G + g) * E, (r * G + g + 1) * E)),
    ),
  );

describe("properties", () => {
  test("distances are symmetric, in [0, 1], 0 to itself; trees are monotone and hold every group once", () => {
    fc.assert(
      fc.property(usages, (usage) => {
        const distances = routingDistances(usage);
        const G = distances.length;
        for (let a = 0; a < G; a++) {
          expect(distances[a]![a]).toBe(0);
          for (let b = 0; b < G; b++) {
            expect(distances[a]![b]).toBe(distances[b]![a]);
            expect(distances[a]![b]).toBeGreaterThanOrEqual(0);
            expect(distances[a]![b]).toBeLessThanOrEqual(1 + 1e-12);
          }
        }
        const { merges, order } = averageLinkage(distances);
        expect([...order].sort((a, b) => a - b)).toEqual(distances.map((_, g) => g));
        expect(merges).toHaveLength(G - 1);
        const children = merges.flatMap(({ left, right }) => [left, right]).sort((a, b) => a - b);
        expect(children).toEqual(Array.from({ length: 2 * G - 2 }, (_, i) => i));
        for (const [i, { left, right, height }] of merges.entries()) {
          expect(Math.max(left, right)).toBeLessThan(G + i);
          expect(height).toBeGreaterThanOrEqual(merges[i - 1]?.height ?? 0);
        }
        for (let k = 1; k <= G; k++) expect(new Set(cutTree({ merges, order }, k)).size).toBe(k);
      }),
    );
  });

  test("the order of the leaves follows the merges from left to right", () => {
    fc.assert(
      fc.property(usages, (usage) => {
        const { merges, order } = averageLinkage(routingDistances(usage));
        const leaves = (node: number): number[] => {
          const merge = merges[node - order.length];
          return merge ? [...leaves(merge.left), ...leaves(merge.right)] : [node];
        };
        expect(leaves(2 * order.length - 2)).toEqual(order);
      }),
    );
  });

  test("adjustedRand does not depend on the names of labels", () => {
    const labels = fc.integer({ min: 0, max: 4 });
    fc.assert(
      fc.property(fc.array(fc.tuple(labels, labels), { minLength: 2, maxLength: 30 }), fc.integer(), (pairs, seed) => {
        const [first, second] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
        const names = new Rng(seed).shuffle(["v", "w", "x", "y", "z"]);
        const named = first.map((label) => names[label]!);
        expect(adjustedRand(named, second)).toBe(adjustedRand(first, second));
        expect(adjustedRand(second, first)).toBeCloseTo(adjustedRand(first, second), 12);
        expect(adjustedRand(first, named)).toBe(1);
      }),
    );
  });

  test("equal routing tells nothing; no more than both entropies is told", () => {
    const arbitrary = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 3 }), fc.array(gate, { minLength: 4, maxLength: 4 })),
      {
        minLength: 2,
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(arbitrary, (profiles) => {
        const codes = profiles.map(([code]) => code);
        const same = mutualInformation(codes, routed(profiles.map(() => [profiles[0]![1]])), 20, new Rng(0));
        expect(same.value).toBeLessThan(1e-12);
        expect(same.p).toBe(1);
        const { value, p, normalised } = mutualInformation(
          codes,
          routed(profiles.map(([, gates]) => [gates])),
          20,
          new Rng(0),
        );
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(Math.log(4) + 1e-12);
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
        if (new Set(codes).size > 1) expect(normalised).toBeLessThanOrEqual(1 + 1e-9);
        else expect(normalised).toBeNaN();
      }),
    );
  });

  test("p-values are in (0, 1]", () => {
    fc.assert(
      fc.property(usages, fc.integer({ min: 0, max: 30 }), fc.integer(), (usage, permutations, seed) => {
        const rng = new Rng(seed);
        const distances = routingDistances(usage);
        const labels = distances.map((_, g) => g % 2);
        const shuffled = rng.shuffle([...labels]);
        const { p } = testAgreement(labels, shuffled, permutations, rng);
        const mantel = mantelTest(distances, distances, permutations, rng);
        if (Number.isNaN(mantel.r)) expect(mantel.p).toBeNaN();
        for (const found of [p, ...(Number.isNaN(mantel.r) ? [] : [mantel.p])]) {
          expect(found).toBeGreaterThanOrEqual(1 / (1 + permutations));
          expect(found).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test("points in the plane get their distances back", () => {
    const coordinate = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(coordinate, coordinate), { minLength: 2, maxLength: 12 }), (points) => {
        const between = (at: readonly (readonly [number, number])[]): number[][] =>
          at.map(([x, y]) => at.map(([u, v]) => Math.hypot(x - u, y - v)));
        const found = classicalScaling(between(points)).map(({ x, y }) => [x, y] as const);
        for (const [i, row] of between(found).entries()) {
          for (const [j, d] of row.entries()) expect(d).toBeCloseTo(between(points)[i]![j]!, 6);
        }
      }),
    );
  });
});

describe("worked by hand", () => {
  test("permutationP counts the draws that reach the observed value", () => {
    const draws = [3, 1, 2, 2];
    expect(permutationP(2, 4, () => draws.pop()!)).toBe(4 / 5);
    expect(permutationP(0.3, 1, () => 0.3 - 1e-16)).toBe(1);
    expect(permutationP(NaN, 4, () => 1)).toBeNaN();
    expect(permutationP(1, 0, () => 1)).toBe(1);
  });

  test("an attribute that decides the expert tells log 2 nats, and seldom so by chance", () => {
    const codes = Array.from({ length: 12 }, (_, i) => i % 2);
    const gates = codes.map((code) => [code === 0 ? [1, 0, 0] : [0, 1, 0], [0.2, 0.3, 0.5]]);
    const found = mutualInformation(codes, routed(gates), 999, new Rng(1));
    // The second router tells nothing.
    expect(found.value).toBeCloseTo(Math.LN2 / 2, 12);
    expect(found.normalised).toBeCloseTo(0.5, 12);
    expect(found.p).toBeLessThan(0.02);
  });

  test("profiles without the attribute are left out", () => {
    const gates = [[[1, 0]], [[0, 1]], [[0, 1]]];
    expect(mutualInformation([0, 1, -1], routed(gates), 0, new Rng(0)).value).toBeCloseTo(Math.LN2, 12);
  });

  test("p-values of unrelated labels are spread evenly", () => {
    const rng = new Rng(3);
    const ps = Array.from({ length: 200 }, () => {
      const gates = Array.from({ length: 10 }, () => [[rng.uniform(), rng.uniform(), rng.uniform()]]);
      return mutualInformation([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], routed(gates), 99, rng).p;
    });
    const below = (limit: number): number => ps.filter((p) => p <= limit).length / ps.length;
    expect(below(0.05)).toBeLessThan(0.11);
    expect(Math.abs(below(0.5) - 0.5)).toBeLessThan(0.11);
  });

  test("the mean gates of a group go by weight", () => {
    const { gates, weights, routers, experts } = routed([[[1, 0]], [[0, 1]], [[0.5, 0.5]]], [3, 1, 7]);
    const usage = groupUsage({ gates, weights, routers, experts, groups: ["A", "B"], groupOf: [0, 0, 1] });
    expect(usage).toEqual([
      [
        [0.75, 0.25],
        [0.5, 0.5],
      ],
    ]);
  });

  test("the mean gates of several routers stay apart", () => {
    const routers = [
      [
        [1, 0, 0],
        [0.2, 0.3, 0.5],
      ],
      [
        [0, 1, 0],
        [0.4, 0.3, 0.3],
      ],
    ];
    expect(groupUsage({ ...routed(routers), groups: ["A", "B"], groupOf: [0, 1] })).toEqual(
      [0, 1].map((r) => routers.map((profile) => profile[r])),
    );
  });

  test("equal distances: merges stand above what they join, and the tree is cut exactly", () => {
    const distances = Array.from({ length: 7 }, (_, a) => Array.from({ length: 7 }, (_, b) => (a === b ? 0 : 0.9)));
    const clustering = averageLinkage(distances);
    // Means of equal numbers are not always equal to them.
    for (const [i, { left, right }] of clustering.merges.entries()) expect(Math.max(left, right)).toBeLessThan(7 + i);
    expect(new Set(cutTree(clustering, 4)).size).toBe(4);
    const same = averageLinkage(distances.map((row) => row.map(() => 0)));
    expect(new Set(cutTree(same, 7)).size).toBe(7);
    expect(() => cutTree(same, 8)).toThrow("expected 1 to 7 clusters, got 8");
  });

  test("distances that are all equal have no Mantel r", () => {
    const equal = [0, 1, 2, 3].map((a) => [0, 1, 2, 3].map((b) => (a === b ? 0 : 0.1)));
    const other = [0, 1, 2, 3].map((a) => [0, 1, 2, 3].map((b) => Math.abs(a - b)));
    expect(mantelTest(other, equal, 9, new Rng(0))).toEqual({ r: NaN, p: NaN });
    expect(mantelTest(other, other, 99, new Rng(0)).r).toBeCloseTo(1, 12);
  });
});

/** Two kinds of country, which use other experts, and a religion that changes little. */
function twoKinds(seed: number, permutations = 199): TopologyInput {
  const countries = ["A", "B", "C", "D", "E", "F"];
  const rng = new Rng(seed, "gates");
  const profiles = countries.flatMap((_, c) => [0, 1, 2].map((religion) => ({ c, religion })));
  const gates = profiles.map(({ c }) =>
    [0, 1].flatMap(() => {
      const high = 0.6 + 0.05 * rng.uniform();
      return c % 2 === 0 ? [high, 1 - high, 0] : [0, 1 - high, high];
    }),
  );
  const distances = countries.map((_, a) => countries.map((_, b) => (a === b ? 0 : (a + b) % 2 === 0 ? 0.1 : 0.4)));
  return {
    names: [0, 1].map((layer) => ({ router: `model.layers.${layer}.self_attn.router`, layer })),
    routers: 2,
    experts: 3,
    gates,
    weights: gates.map(() => 1),
    groups: countries,
    groupOf: profiles.map(({ c }) => c),
    attributes: new Map([
      ["country", profiles.map(({ c }) => c)],
      ["religion", profiles.map(({ religion }) => religion)],
    ]),
    reference: countries.map((_, c) => (c % 2 === 0 ? "even" : "odd")),
    answers: { members: countries.map((_, c) => c), distances, questions: 4 },
    permutations,
    seed: 5,
  };
}

describe("routingTopology", () => {
  const topology = routingTopology(twoKinds(1));

  test("finds the kinds", () => {
    expect(topology.agreement).toMatchObject({ adjustedRand: 1, clusters: [0, 1, 0, 1, 0, 1] });
    expect(topology.agreement!.p).toBeLessThan(0.2);
    expect(topology.mantel!.r).toBeGreaterThan(0.9);
    expect(topology.mantel!.p).toBeLessThan(0.2);
    expect(topology.mantel!.questions).toBe(4);
    const { country, religion } = topology.mutualInformation;
    expect(country!.value).toBeGreaterThan(0.3);
    expect(country!.p).toBeLessThan(0.01);
    expect(religion!.value).toBeLessThan(0.01);
    expect(religion!.p).toBeGreaterThan(0.05);
    const sides = topology.embedding.map(({ x }) => Math.sign(x));
    expect(new Set(sides.filter((_, g) => g % 2 === 0)).size).toBe(1);
    expect(sides[0]).toBe(-sides[1]!);
  });

  test("usage is the mean over routers, and sums to 1", () => {
    expect(topology.groups).toEqual(["A", "B", "C", "D", "E", "F"].map((name) => ({ name, profiles: 3 })));
    for (const [g, row] of topology.usage.entries()) {
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
      for (const [e, share] of row.entries()) {
        const [first, second] = topology.routers.map(({ usage }) => usage[g]![e]!);
        expect(share).toBeCloseTo((first! + second!) / 2, 12);
      }
    }
  });

  test("a group has as many profiles as are its own", () => {
    const input = twoKinds(1);
    const groupOf = input.groupOf.map((g, i) => (i === 0 ? 1 : g));
    expect(routingTopology({ ...input, groupOf }).groups.map(({ profiles }) => profiles)).toEqual([2, 4, 3, 3, 3, 3]);
  });

  test("is the same again, and tests are drawn by the seed", () => {
    expect(routingTopology(twoKinds(1))).toEqual(topology);
    const other = routingTopology({ ...twoKinds(1), seed: 6 });
    expect(other.distances).toEqual(topology.distances);
    expect(other.mutualInformation["religion"]!.p).not.toBe(topology.mutualInformation["religion"]!.p);
  });

  test("answers of some groups only are compared among these", () => {
    const { answers, ...input } = twoKinds(1);
    const members = [1, 4, 2];
    const distances = members.map((a) => members.map((b) => answers!.distances[a]![b]!));
    const found = routingTopology({ ...input, reference: null, answers: { members, distances, questions: 2 } });
    const among = members.map((a) => members.map((b) => topology.distances[a]![b]!));
    expect(found.mantel!.r).toBeCloseTo(mantelTest(among, distances, 0, new Rng(0)).r, 12);
    expect(found.agreement).toBeNull();
    expect(routingTopology({ ...input, answers: null }).mantel).toBeNull();
  });
});
