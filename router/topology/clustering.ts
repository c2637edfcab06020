import { agnes, type Cluster } from "ml-hclust";

/** A tree of G leaves. Nodes 0..G-1 are the leaves, G+i is the i-th merge. */
export interface Clustering {
  /** From the lowest to the highest; `left` stands before `right` in `order`. */
  readonly merges: readonly { readonly left: number; readonly right: number; readonly height: number }[];
  /** The leaves in an order in which the tree has no crossing branches. */
  readonly order: readonly number[];
}

/**
 * Agglomerative clustering by average linkage (UPGMA): the height of a merge is the mean distance between the leaves
 * on its two sides. Equal distances are merged in the order of the leaves, so that equal input gives an equal tree.
 * @param distances Symmetric [G][G], G >= 1, finite, with a zero diagonal.
 */
export function averageLinkage(distances: readonly (readonly number[])[]): Clustering {
  const tree = agnes(
    distances.map((row) => [...row]),
    { method: "average", isDistanceMatrix: true },
  );
  const nodes: { readonly cluster: Cluster; readonly height: number }[] = [];
  // Post-order: children before their parents. Rounding must not put a merge below its parts.
  const visit = (cluster: Cluster): number => {
    if (cluster.isLeaf) return 0;
    const height = Math.max(cluster.height, ...cluster.children.map(visit));
    nodes.push({ cluster, height });
    return height;
  };
  visit(tree);
  nodes.sort((a, b) => a.height - b.height);
  const idOf = new Map(nodes.map(({ cluster }, i) => [cluster, distances.length + i]));
  const id = (cluster: Cluster): number => (cluster.isLeaf ? cluster.index : idOf.get(cluster)!);
  return {
    merges: nodes.map(({ cluster: { children }, height }) => ({
      left: id(children[0]!),
      right: id(children[1]!),
      height,
    })),
    order: tree.indices(),
  };
}

/**
 * The tree cut into so many clusters, by leaving out the highest merges.
 * @param clusters From 1 to the number of leaves.
 * @returns The cluster of each leaf, from 0, numbered in the order of their first leaves.
 */
export function cutTree({ merges, order }: Clustering, clusters: number): number[] {
  const leaves = order.length;
  if (!(Number.isInteger(clusters) && clusters >= 1 && clusters <= leaves)) {
    throw new RangeError(`cutTree: expected 1 to ${leaves} clusters, got ${clusters}`);
  }
  const members = Array.from({ length: leaves }, (_, leaf) => [leaf]);
  const rootOf = Array.from({ length: leaves }, (_, leaf) => leaf);
  for (const [i, { left, right }] of merges.slice(0, leaves - clusters).entries()) {
    members[leaves + i] = [...members[left]!, ...members[right]!];
    for (const leaf of members[leaves + i]!) rootOf[leaf] = leaves + i;
  }
  const numbers = new Map<number, number>();
  return rootOf.map((root) => {
    if (!numbers.has(root)) numbers.set(root, numbers.size);
    return numbers.get(root)!;
  });
}
