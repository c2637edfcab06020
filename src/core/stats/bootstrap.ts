import type { Rng } from "../util/index.ts";
import { Growing } from "../util/growing.ts";
import { Kernel, LANES } from "./kernel.ts";

/** Which rows are drawn together: the rows of cluster c are `rows[starts[c] .. starts[c+1]]`. */
export interface Clusters {
  readonly count: number;
  readonly starts: Int32Array;
  readonly rows: Int32Array;
}

/**
 * Sums over rows by cluster and cell, sparse, cell by cell: of cell c the clusters `members[i]` have `values[i]`, for i in
 * [starts[c], starts[c+1]). Whatever is computed from the sums over all rows can be computed for drawn clusters without
 * touching rows again.
 */
export interface Statistics {
  /** Number of clusters. */
  readonly clusters: number;
  /** Number of cells. */
  readonly size: number;
  readonly starts: Int32Array;
  readonly members: Int32Array;
  readonly values: Float64Array;
}

/** Clusters from a cluster number for each row, [rows] in [0, count), or -1 for a row in none. */
export function clustersOf(clusterOfRow: Int32Array, count: number): Clusters {
  const starts = new Int32Array(count + 1);
  for (const cluster of clusterOfRow) if (cluster >= 0) starts[cluster + 1]!++;
  for (let c = 0; c < count; c++) starts[c + 1]! += starts[c]!;
  const next = starts.slice(0, count);
  const rows = new Int32Array(starts[count]!);
  for (let row = 0; row < clusterOfRow.length; row++) {
    const cluster = clusterOfRow[row]!;
    if (cluster >= 0) rows[next[cluster]!++] = row;
  }
  return { count, starts, rows };
}

/** Calls `each` for every row, and sums by cluster what it adds to cells. */
export function gather(
  clusters: Clusters,
  size: number,
  each: (row: number, add: (cell: number, value: number) => void) => void,
): Statistics {
  const ends = new Int32Array(clusters.count);
  const cells = new Growing(Int32Array);
  const values = new Growing(Float64Array);
  const position = new Float64Array(size).fill(-1);
  let from = 0;
  const add = (cell: number, value: number): void => {
    if (value === 0) return;
    const at = position[cell]!;
    if (at >= from) values.add(at, value);
    else {
      position[cell] = cells.length;
      cells.push(cell);
      values.push(value);
    }
  };
  for (let c = 0; c < clusters.count; c++) {
    from = cells.length;
    for (let i = clusters.starts[c]!; i < clusters.starts[c + 1]!; i++) each(clusters.rows[i]!, add);
    ends[c] = cells.length;
  }
  return byCell(clusters.count, size, ends, cells.view(), values.view());
}

/** Sums that stand cluster by cluster, put in the order of cells; clusters stay in order within a cell. */
function byCell(clusters: number, size: number, ends: Int32Array, cells: Int32Array, values: Float64Array): Statistics {
  const starts = new Int32Array(size + 1);
  for (const cell of cells) starts[cell + 1]!++;
  for (let cell = 0; cell < size; cell++) starts[cell + 1]! += starts[cell]!;
  const next = starts.slice(0, size);
  const members = new Int32Array(cells.length);
  const sorted = new Float64Array(cells.length);
  for (let cluster = 0, i = 0; cluster < clusters; cluster++) {
    for (; i < ends[cluster]!; i++) {
      const at = next[cells[i]!]!++;
      members[at] = cluster;
      sorted[at] = values[i]!;
    }
  }
  return { clusters, size, starts, members, values: sorted };
}

/** Sums over all clusters, each taken once. */
export function totals({ size, starts, values }: Statistics): Float64Array {
  const sums = new Float64Array(size);
  for (let cell = 0, i = 0; cell < size; cell++) {
    let sum = 0;
    for (const end = starts[cell + 1]!; i < end; i++) sum += values[i]!;
    sums[cell] = sum;
  }
  return sums;
}

/** Something that is computed from the sums of statistics. */
export interface Resampled {
  readonly statistics: Statistics;
  /** @param draw Number of the resample that the sums are of, or `ONCE`. The sums are overwritten afterwards. */
  readonly compute: (sums: Float64Array, draw: number) => number;
}

/** Stands for the sums over all clusters, each taken once. */
export const ONCE = -1;

/**
 * Draws as many clusters as there are, with replacement, `resamples` times, and computes everything from the sums over
 * the drawn clusters. All see the same draws where their numbers of clusters are equal.
 * @param stream Opens the stream of draws at its beginning.
 * @returns By what is computed, one value for each resample; NaN where there are no clusters.
 */
export function resample(all: readonly Resampled[], resamples: number, stream: () => Rng): Float64Array[] {
  const found = all.map(() => new Float64Array(resamples).fill(NaN));
  for (const clusters of new Set(all.map(({ statistics }) => statistics.clusters))) {
    if (clusters === 0) continue;
    const sharing = new Map<Statistics, number[]>();
    for (const [i, { statistics }] of all.entries()) {
      if (statistics.clusters === clusters) sharing.set(statistics, [...(sharing.get(statistics) ?? []), i]);
    }
    const rng = stream();
    const statistics = [...sharing.keys()];
    const kernel = new Kernel("resamples", {
      floats: LANES * clusters + sum(statistics.map(({ values, size }) => values.length + LANES * size)),
      ints: sum(statistics.map(({ members, size }) => members.length + size + 1)),
    });
    const counts = kernel.floats(LANES * clusters);
    const places = [...sharing].map(([of, members]) => ({
      members,
      terms: kernel.copy(of),
      sums: kernel.floats(LANES * of.size),
    }));
    for (let from = 0; from < resamples; from += LANES) {
      const used = Math.min(LANES, resamples - from);
      drawCounts(counts, clusters, used, rng);
      for (const { terms, sums, members } of places) {
        kernel.accumulate(terms, counts, sums);
        for (let lane = 0; lane < used; lane++) {
          const ofLane = sums.subarray(lane * terms.size, (lane + 1) * terms.size);
          for (const i of members) found[i]![from + lane] = all[i]!.compute(ofLane, from + lane);
        }
      }
    }
  }
  return found;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** counts[cluster, lane]: how often each cluster is drawn in each of `lanes` resamples. */
function drawCounts(counts: Float64Array, clusters: number, lanes: number, rng: Rng): void {
  // Some clusters come up more often than others, by a share of clusters / 2^32 at most.
  const scale = clusters / 2 ** 32;
  counts.fill(0);
  for (let lane = 0; lane < lanes; lane++) {
    for (let i = 0; i < clusters; i++) counts[Math.floor(rng.uint32() * scale) * LANES + lane]! += 1;
  }
}

/**
 * Centred percentile interval of a value from its resampled values (NaN left out): the value less what the median of
 * those lies above their lower quantile, and more by what their upper quantile lies above it. A resample has the noise
 * of sampling twice, which moves a distance or a spread by about as much as sampling itself did: that shift must not
 * move the interval. NaN where nothing is defined.
 * @param range Which values there can be; the interval does not leave it unless the value does.
 */
export function centredInterval(
  value: number,
  resampled: Float64Array,
  level: number,
  [least, most]: readonly [number, number],
): { low: number; high: number } {
  if (Number.isNaN(value)) return { low: NaN, high: NaN };
  const sorted = ascending(resampled);
  const median = quantile(sorted, 0.5);
  return {
    low: Math.max(value - (median - quantile(sorted, (1 - level) / 2)), Math.min(value, least)),
    high: Math.min(value + (quantile(sorted, (1 + level) / 2) - median), Math.max(value, most)),
  };
}

/**
 * Two-sided p-value of the hypothesis that a value is 0: how often resampled values lie as far from their median as the
 * value does from 0, (1 + count) / (1 + resamples); NaN where nothing is defined.
 */
export function bootstrapP(value: number, resampled: Float64Array): number {
  const sorted = ascending(resampled);
  if (Number.isNaN(value) || sorted.length === 0) return NaN;
  const median = quantile(sorted, 0.5);
  const count = sorted.reduce((found, drawn) => found + (Math.abs(drawn - median) >= Math.abs(value) ? 1 : 0), 0);
  return (1 + count) / (1 + sorted.length);
}

const ascending = (values: Float64Array): Float64Array => values.filter((value) => !Number.isNaN(value)).sort();

/** The quantile between neighbours, linear (type 7, as numpy's); NaN of no values. */
function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return NaN;
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  const above = sorted[Math.ceil(at)]!;
  return below === above ? below : below + (above - below) * (at - Math.floor(at));
}
