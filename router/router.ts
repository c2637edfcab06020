import type { Dim, Value } from "../src/core/graph/index.ts";
import type { Adapter, LayerInputs, ParameterSpec } from "../src/core/decoder/index.ts";
import { add, div, matmul, mul, reduceMax, reduceSum, relu, reshape } from "../src/core/ops/index.ts";
import type { Rng } from "../src/core/util/index.ts";
import { gatings, type GatingName, type TopExperts } from "./gating.ts";

/** Shapes: I input width, D profile width, R hidden width, E experts. */
export interface RouterConfig {
  readonly inFeatures: number;
  readonly profileWidth: number;
  readonly hidden: number;
  readonly numExperts: number;
  readonly topK: number;
  readonly gating: GatingName;
}

/** What a router of one layer gives. B rows, T tokens, E experts; averages are over the tokens of the mask. */
export interface RouterOutput {
  /** Weights of the experts [B, T, E]; 0 for those not chosen. */
  readonly gates: Value;
  /** Null where all experts take part. */
  readonly top: TopExperts | null;
  /** Load-balancing loss, a scalar: E * sum_e f_e p_e. */
  readonly balance: Value;
  /** Share of the (token, slot) pairs sent to each expert [E]. */
  readonly load: Value;
  /** Mean gates of each row [B, E]. */
  readonly rowGates: Value;
  /** Mean of the largest gate, a scalar. */
  readonly gateMax: Value;
}

/** What a router's parameters belong to. */
const PART = "router";

/** Whether an adapter routes between experts. */
export function hasRouters({ parameters }: Pick<Adapter, "parameters">): boolean {
  return parameters.some(({ part }) => part === PART);
}

/**
 * The parameters of a router; its first layer is kept as a token part and a profile part.
 * @param name With the prefix of its layer.
 */
export function routerParameters(name: string, layer: number, config: RouterConfig): ParameterSpec[] {
  const { inFeatures: I, profileWidth: D, hidden: R, numExperts: E } = config;
  const spec = (part: string, shape: readonly number[], fanIn: number): ParameterSpec => ({
    name: `${name}.${part}`,
    shape,
    part: PART,
    layer,
    decay: shape.length > 1,
    init: (data, rng) => uniform(data, 1 / Math.sqrt(fanIn), rng),
  });
  return [
    spec("w1x", [R, I], I + D),
    ...(D > 0 ? [spec("w1d", [R, D], I + D)] : []),
    spec("b1", [R], I + D),
    spec("w2", [E, R], R),
    spec("b2", [E], R),
  ];
}

function uniform(data: Float32Array, bound: number, rng: Rng): void {
  for (let i = 0; i < data.length; i++) data[i] = bound * (2 * rng.uniform() - 1);
}

/**
 * The demographic-aware router: s = W2 relu(W1x x + W1d e + b1) + b2, its gates, and what is told of them.
 *
 * The profile part W1d e is the same at every token, so it is computed once per row.
 * Load balancing: E * sum_e f_e p_e, with f_e the share of the (token, slot) pairs sent to expert e, taken as a
 * constant, and p_e the mean gate of e, both over unpadded tokens. Source: arXiv 2601.04885, section 3.
 * @param name Inside its layer: "self_attn.router", or that of one site's own: "mlp.down_proj.router".
 * @param x [B, T, I]
 */
export function router(name: string, config: RouterConfig, x: Value, inputs: LayerInputs): RouterOutput {
  const { inFeatures: I, profileWidth: D, hidden: R, numExperts: E, topK, gating } = config;
  const parameter = (part: string, shape: readonly number[]): Value => inputs.parameter(`${name}.${part}`, shape);
  const [B, T] = x.shape as [Dim, Dim];

  let first = add(matmul(x, parameter("w1x", [R, I]), { transB: true }), parameter("b1", [R])); // [B, T, R]
  if (D > 0) {
    const fromProfile = matmul(inputs.profile!, parameter("w1d", [R, D]), { transB: true }); // [B, R]
    first = add(first, reshape(fromProfile, [B, 1, R]));
  }
  const logits = add(matmul(relu(first), parameter("w2", [E, R]), { transB: true }), parameter("b2", [E])); // [B, T, E]
  const { gates, chosen, top } = gatings[gating](logits, topK);

  const mask = reshape(inputs.tokenMask, [B, T, 1]);
  const tokens = reduceSum(mask, [0, 1, 2], false);
  const meanOverTokens = (value: Value): Value => div(reduceSum(mul(value, mask), [0, 1], false), tokens);
  const slots = reduceSum(meanOverTokens(chosen), [0], false);
  const load = div(meanOverTokens(chosen), slots); // [E]
  return {
    gates,
    top,
    balance: mul(reduceSum(mul(load, meanOverTokens(gates)), [0], false), E),
    load,
    rowGates: div(reduceSum(mul(gates, mask), [1], false), reduceSum(mask, [1], false)), // [B, E]
    gateMax: reshape(meanOverTokens(reduceMax(gates, [-1], true)), []),
  };
}
