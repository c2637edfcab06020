/**
 * Mixtures of low-rank experts: sum_e g_e B_e A_e x.
 *
 * Experts are stacked: A [E * r, I], or [r, I] where they share it, and B [E * r, O]. Few of them are computed for every token, in
 * two matrix products with the gates between; where there are many, tokens are grouped by expert and only the chosen ones are
 * computed.
 * Shapes: B rows, T tokens, E experts, K chosen, r rank, I and O the widths of a site.
 */
import { product, type Dim, type Value } from "../src/core/graph/index.ts";
import { combine, dispatch, expertBlocks, gather, matmul, mul, reshape } from "../src/core/ops/index.ts";
import type { RouterOutput, TopExperts } from "../router/index.ts";

export interface ExpertsConfig {
  readonly numExperts: number;
  /** Experts chosen for each token. */
  readonly topK: number;
  readonly r: number;
  /** Whether all experts have one A. */
  readonly shareA: boolean;
  /** Factor of the sum: alpha / r. */
  readonly scale: number;
}

/**
 * From this total rank on, and this many experts for each that is chosen, grouping tokens by expert is faster than computing every
 * expert for every token (docs/benchmarks.md).
 */
const SPARSE_RANK = 256;
const SPARSE_SHARE = 4;
/** Rows of the blocks in which tokens are grouped: more pad more, fewer read an expert's matrices more often. */
const BLOCK_ROWS = 16;

/**
 * The sum over experts, each by its gate.
 * @param x [B, T, I]
 * @param a [E * r, I], or [r, I]
 * @param b [E * r, O]
 * @returns [B, T, O]
 */
export function mixExperts(
  x: Value,
  a: Value,
  b: Value,
  { gates, top }: Pick<RouterOutput, "gates" | "top">,
  config: ExpertsConfig,
): Value {
  const { numExperts: E, topK, r, shareA, scale } = config;
  const sparse = !shareA && E * r >= SPARSE_RANK && E >= SPARSE_SHARE * topK;
  if (sparse && top) return chosenExperts(x, a, b, top, config);
  const [B, T] = x.shape as [Dim, Dim];
  const down = matmul(x, a, { transB: true });
  const gated = mul(reshape(down, [B, T, shareA ? 1 : E, r]), reshape(gates, [B, T, E, 1])); // [B, T, E, r]
  return matmul(reshape(gated, [B, T, E * r]), b, { alpha: scale });
}

/** The same sum, computing only the experts that were chosen. */
function chosenExperts(
  x: Value,
  a: Value,
  b: Value,
  { index, weights }: TopExperts,
  { numExperts: E, r, scale }: ExpertsConfig,
): Value {
  const [B, T, I] = x.shape as [Dim, Dim, Dim];
  const O = b.shape[1]!;
  const tokens = product([B, T]);
  const K = index.shape[2] as number;
  const blocks = expertBlocks(index, E, BLOCK_ROWS);
  const ofBlocks = (experts: Value, width: Dim): Value => gather(reshape(experts, [E, r, width]), blocks.expert);
  const down = matmul(dispatch(reshape(x, [tokens, I]), blocks, K), ofBlocks(a, I), { transB: true }); // [blocks, rows, r]
  const gates = dispatch(reshape(weights, [product([tokens, K]), 1]), blocks, 1); // [blocks, rows, 1]
  const up = matmul(mul(down, gates), ofBlocks(b, O), { alpha: scale }); // [blocks, rows, O]
  return reshape(combine(up, blocks, K, tokens), [B, T, O]);
}
