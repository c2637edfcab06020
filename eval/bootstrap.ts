import type { Rng } from "../src/util/index.ts";
import { Growing } from "./growing.ts";

/** Which rows are drawn together: the rows of cluster c are `rows[starts[c] .. starts[c+1]]`. */
export interface Clusters {
  readonly count: number;
  readonly starts: Int32Array;
  readonly rows: Int32Array;
}

/**
 * Sums over rows by cluster, sparse: cluster c has `values[i]` in cell `cells[i]` for i in [starts[c], starts[c+1]).
 * Whatever is computed from the sums over all rows can be computed for drawn clusters without touching rows again.
 */
export interface Statistics {
  readonly clusters: number;
  /** Number of cells. */
  readonly size: number;
  readonly starts: Float64Array;
  readonly cells: Int32Array;
  readonly values: Float64Array;
}

/** Clusters from a cluster number for each row, [rows] in [0, count). */
export function clustersOf(clusterOfRow: Int32Array, count: number): Clusters {
  const starts = new Int32Array(count + 1);
  for (const cluster of clusterOfRow) starts[cluster + 1]!++;
  for (let c = 0; c < count; c++) starts[c + 1]! += starts[c]!;
  const next = starts.slice(0, count);
  const rows = new Int32Array(clusterOfRow.length);
  for (let row = 0; row < clusterOfRow.length; row++) rows[next[clusterOfRow[row]!]!++] = row;
  return { count, starts, rows };
}

/** Calls `each` for every row, and sums by cluster what it adds to cells. */
export function gather(
  clusters: Clusters,
  size: number,
  each: (row: number, add: (cell: number, value: number) => void) => void,
): Statistics {
  const starts = new Float64Array(clusters.count + 1);
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
    starts[c + 1] = cells.length;
  }
  return { clusters: clusters.count, size, starts, cells: cells.done(), values: values.done() };
}

/** Sums over all clusters, each taken once. */
export function totals(statistics: Statistics): Float64Array {
  const sums = new Float64Array(statistics.size);
  for (let i = 0; i < statistics.cells.length; i++) sums[statistics.cells[i]!]! += statistics.values[i]!;
  return sums;
}

/** Resamples that go through the statistics together: the kernel below is written out for this many. */
const LANES = 8;

/**
 * Draws as many clusters as there are, with replacement, `resamples` times, and gives each function the sums over the
 * drawn clusters. Statistics that are resampled with equal streams see the same draws.
 * @returns By function, one value for each resample.
 */
export function resample(
  statistics: Statistics,
  compute: readonly ((sums: Float64Array) => number)[],
  resamples: number,
  rng: Rng,
): Float64Array[] {
  const { clusters, size } = statistics;
  const found = compute.map(() => new Float64Array(resamples));
  const counts = Array.from({ length: LANES }, () => new Uint32Array(clusters));
  const lanes = new Float64Array(size * LANES);
  const sums = new Float64Array(size);
  for (let from = 0; from < resamples; from += LANES) {
    const used = Math.min(LANES, resamples - from);
    for (const [lane, count] of counts.entries()) {
      count.fill(0);
      if (lane < used) for (let i = 0; i < clusters; i++) count[rng.below(clusters)]!++;
    }
    accumulate(statistics, counts, lanes);
    for (let lane = 0; lane < used; lane++) {
      for (let cell = 0; cell < size; cell++) sums[cell] = lanes[cell * LANES + lane]!;
      for (const [f, of] of compute.entries()) found[f]![from + lane] = of(sums);
    }
  }
  return found;
}

/** lanes[cell, lane] = sum over clusters of count[lane][cluster] * value[cluster, cell] */
function accumulate(statistics: Statistics, counts: readonly Uint32Array[], lanes: Float64Array): void {
  const { clusters, starts, cells, values } = statistics;
  const [a, b, c, d, e, f, g, h] = counts as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  lanes.fill(0);
  for (let cluster = 0; cluster < clusters; cluster++) {
    const ca = a[cluster]!;
    const cb = b[cluster]!;
    const cc = c[cluster]!;
    const cd = d[cluster]!;
    const ce = e[cluster]!;
    const cf = f[cluster]!;
    const cg = g[cluster]!;
    const ch = h[cluster]!;
    const end = starts[cluster + 1]!;
    for (let i = starts[cluster]!; i < end; i++) {
      const at = cells[i]! * LANES;
      const value = values[i]!;
      lanes[at]! += ca * value;
      lanes[at + 1]! += cb * value;
      lanes[at + 2]! += cc * value;
      lanes[at + 3]! += cd * value;
      lanes[at + 4]! += ce * value;
      lanes[at + 5]! += cf * value;
      lanes[at + 6]! += cg * value;
      lanes[at + 7]! += ch * value;
    }
  }
}

/**
 * Percentile interval: the (1 - level) / 2 and (1 + level) / 2 quantiles, linear between neighbours (type 7, as
 * numpy's), of the values that are not NaN; NaN where there are none.
 */
export function percentileInterval(values: Float64Array, level: number): { low: number; high: number } {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  return { low: quantile(sorted, (1 - level) / 2), high: quantile(sorted, (1 + level) / 2) };
}

function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return NaN;
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  const above = sorted[Math.ceil(at)]!;
  return below === above ? below : below + (above - below) * (at - Math.floor(at));
}
