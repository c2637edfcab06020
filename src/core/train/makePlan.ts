import { sizeOf } from "../graph/index.ts";
import { baseShapes } from "../decoder/index.ts";
import { savedBytes } from "./layerPasses.ts";
import { layerwisePlan } from "./layerwise.ts";
import { outsideLayers, type PlanModel, type PlanName, type TrainingPlan } from "./plan.ts";
import { wholePlan } from "./whole.ts";

/** Compiles the step of a model by the plan of this name. */
export function makePlan(name: PlanName, model: PlanModel): Promise<TrainingPlan> {
  return name === "whole" ? wholePlan(model) : layerwisePlan(model, name === "recompute");
}

/** What memory is estimated of: no weight has to be read for it. */
export type PlannedModel = Pick<PlanModel, "config" | "adapter" | "parameters" | "projection">;

/** What a plan is chosen by. */
export interface PlanNeeds {
  /** Tokens of the largest batch: B rows of T tokens, R of them predicting an answer token. */
  readonly sizes: { readonly B: number; readonly T: number; readonly R: number };
  readonly accelerator: boolean;
  readonly availableBytes: number;
}

/** Sessions, code and the tensors of one layer's passes; measured on SmolLM2-135M. */
const OVERHEAD_BYTES = 300_000_000;

/** Memory that a run needs at its peak, in bytes: frozen weights, trained parameters with gradients and moments, and what is kept. */
export function estimateMemory(name: PlanName, model: PlannedModel, { sizes }: PlanNeeds): number {
  const frozen = [...baseShapes(model.config).values()].reduce((sum, shape) => sum + 4 * sizeOf(shape), 0);
  const trained = 4 * model.parameters.flat.byteLength;
  return frozen + trained + savedBytes(model, sizes, name === "recompute") + OVERHEAD_BYTES;
}

/**
 * The plan for a run that names none: one graph on an accelerator and for parameters outside of the layers; elsewhere
 * one layer at a time, with as little kept as the memory asks for.
 */
export function choosePlan(model: PlannedModel, needs: PlanNeeds): PlanName {
  if (outsideLayers(model.parameters.specs).length > 0 || needs.accelerator) return "whole";
  return estimateMemory("layerwise", model, needs) <= needs.availableBytes ? "layerwise" : "recompute";
}
