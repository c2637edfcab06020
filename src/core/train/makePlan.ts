import { layerwisePlan, savedBytes } from "./layerwise.ts";
import type { PlanModel, PlanName, TrainingPlan } from "./plan.ts";
import { wholePlan } from "./whole.ts";

/** Compiles the step of a model by the plan of this name. */
export function makePlan(name: PlanName, model: PlanModel): Promise<TrainingPlan> {
  return name === "whole" ? wholePlan(model) : layerwisePlan(model, name === "recompute");
}

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
export function estimateMemory(name: PlanName, model: Omit<PlanModel, "engine">, { sizes }: PlanNeeds): number {
  const frozen = [...model.weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const trained = 4 * model.parameters.flat.byteLength;
  return frozen + trained + savedBytes(model, sizes, name === "recompute") + OVERHEAD_BYTES;
}

/**
 * The plan for a run that names none: one graph on an accelerator and for parameters outside of the layers; elsewhere
 * one layer at a time, with as little kept as the memory asks for.
 */
export function choosePlan(model: Omit<PlanModel, "engine">, needs: PlanNeeds): PlanName {
  const outside = model.parameters.specs.some(
    ({ name, part }) => !name.startsWith("model.layers.") && part !== "profile",
  );
  if (outside || needs.accelerator) return "whole";
  return estimateMemory("layerwise", model, needs) <= needs.availableBytes ? "layerwise" : "recompute";
}
