import type { Engine } from "../engine/index.ts";
import type { Feeds, HostTensor } from "../graph/index.ts";
import type { Adapter, Batch, DecoderConfig, ParameterSpec } from "../decoder/index.ts";
import { PROJECTION, type ProfileProjection } from "../encoders/index.ts";
import type { AdapterResults } from "./adapterOutputs.ts";
import type { Labels, Objective } from "./objective.ts";
import type { ParameterStore } from "./parameters.ts";
import { OBJECTIVE, scaleName } from "./stepGraph.ts";

/** One pass forward and backward over one batch. */
export interface StepInputs {
  readonly batch: Batch;
  readonly labels: Labels;
  /** What the objective asks for, by name. */
  readonly feeds: Feeds;
  /** The encoder's vectors, standardised [B, D]; undefined where the adapter takes none. */
  readonly profile: HostTensor | undefined;
  /** Factor in the total of each of the adapter's losses, by name. */
  readonly lossScales: Readonly<Record<string, number>>;
  /** Dropout mask of a site's input, already divided by the share kept; undefined without dropout. */
  readonly dropoutMask?: ((site: string, shape: readonly number[]) => HostTensor) | undefined;
}

export interface StepResult extends AdapterResults {
  /** The objective's. */
  readonly loss: number;
  /** Scalars that the objective logs. */
  readonly logged: Readonly<Record<string, number>>;
}

/** A way to compute the same step: the objective and the adapter's losses by their factors, and the gradients of their sum. */
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
  readonly objective: Pick<Objective<never>, "loss">;
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

/** Parameters that are in no layer, and so need the plan "whole". */
export function outsideLayers(specs: readonly ParameterSpec[]): ParameterSpec[] {
  return specs.filter(({ layer, name }) => layer === null && name !== PROJECTION);
}

/** Feeds of a step that do not depend on the plan. */
export function stepFeeds({ batch, labels, feeds, lossScales }: StepInputs): Feeds {
  const vector = (data: Int32Array): HostTensor => ({ shape: [data.length], data });
  const named = (prefix: string, tensors: Feeds): Feeds =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));
  return {
    ...batch.feeds,
    rows: vector(labels.rows),
    labelRow: vector(labels.row),
    labelToken: vector(labels.token),
    ...named(OBJECTIVE, feeds),
    ...Object.fromEntries(
      Object.entries(lossScales).map(([loss, scale]) => [scaleName(loss), { shape: [], data: Float64Array.of(scale) }]),
    ),
  };
}

/** What the objective gave, out of the outputs of `lossGraph`. */
export function readLoss(outputs: Feeds): Pick<StepResult, "loss" | "logged"> {
  return {
    loss: outputs["loss"]!.data[0]!,
    logged: Object.fromEntries(
      Object.entries(outputs).flatMap(([name, { data }]) =>
        name.startsWith(OBJECTIVE) ? [[name.slice(OBJECTIVE.length), data[0]!]] : [],
      ),
    ),
  };
}
