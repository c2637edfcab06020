import type { Engine } from "../engine/index.ts";
import type { Feeds, HostTensor } from "../graph/index.ts";
import type { Adapter, Batch, DecoderConfig } from "../decoder/index.ts";
import type { ProfileProjection } from "../encoders/index.ts";
import type { ParameterStore } from "./parameters.ts";

/** Answer tokens of a batch. R rows, N labels. */
export interface Labels {
  /** Indices into B * T of the tokens that predict an answer token, int [R]. */
  readonly rows: Int32Array;
  /** Which of `rows`, which token, and with which weight, for each label [N]. Hard labels have one per row. */
  readonly row: Int32Array;
  readonly token: Int32Array;
  readonly weight: Float64Array;
}

/** One pass forward and backward over one batch. */
export interface StepInputs {
  readonly batch: Batch;
  readonly labels: Labels;
  /** The encoder's vectors, standardised [B, D]; undefined where the adapter takes none. */
  readonly profile: HostTensor | undefined;
  /** Factor of the load-balancing loss in the total. */
  readonly balanceScale: number;
  /** Dropout mask of a site's input, already divided by the share kept; undefined without dropout. */
  readonly dropoutMask?: ((site: string, shape: readonly number[]) => HostTensor) | undefined;
}

/** What the router of one layer did with a batch. B rows, E experts. */
export interface RouterStats {
  /** "model.layers.0.self_attn.router" */
  readonly name: string;
  readonly balance: number;
  /** Share of the (token, slot) pairs sent to each expert [E]. */
  readonly load: readonly number[];
  /** Mean gates of each row, B of [E]. */
  readonly rowGates: readonly (readonly number[])[];
  readonly gateMax: number;
}

export interface StepResult {
  /** - sum of weight * log p over the labels. */
  readonly loss: number;
  readonly routers: readonly RouterStats[];
}

/** A way to compute the same step: loss + balanceScale * sum of balance, and its gradients. */
export interface TrainingPlan {
  readonly name: PlanName;
  /** @param gradients Is overwritten. */
  step(inputs: StepInputs, gradients: ParameterStore): Promise<StepResult>;
  dispose(): Promise<void>;
}

/** What a plan is made for. */
export interface PlanModel {
  readonly engine: Engine;
  readonly config: DecoderConfig;
  readonly weights: ReadonlyMap<string, HostTensor>;
  readonly adapter: Adapter;
  /** Adapter parameters and, where there is one, the profile projection's. */
  readonly parameters: ParameterStore;
  readonly projection: ProfileProjection | undefined;
}

/** The weights that no step changes, by name; of the others, the parameters are fed anew. */
export function frozenWeights({ weights, parameters }: PlanModel): [name: string, HostTensor][] {
  return [...weights].filter(([name]) => !Object.hasOwn(parameters.views, name));
}

/**
 * - `whole`: the step as one graph.
 * - `layerwise`: one layer at a time, what the backward pass needs kept in memory.
 * - `recompute`: one layer at a time, every layer computed again in the backward pass.
 */
export const planNames = ["whole", "layerwise", "recompute"] as const;
export type PlanName = (typeof planNames)[number];

/** Reads the outputs that describe a router out of those of a program. @param prefix Before the router's name. */
export function routerStats(outputs: Feeds, name: string, prefix: string): RouterStats {
  const of = (what: string): HostTensor => outputs[`${what}.${name}`]!;
  const [B, E] = of("rowGates").shape as [number, number];
  return {
    name: prefix + name,
    balance: of("balance").data[0]!,
    load: Array.from(of("load").data),
    rowGates: Array.from({ length: B }, (_, b) => Array.from(of("rowGates").data.subarray(b * E, (b + 1) * E))),
    gateMax: of("gateMax").data[0]!,
  };
}
