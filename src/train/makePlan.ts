import { layerwisePlan } from "./layerwise.ts";
import type { PlanModel, PlanName, TrainingPlan } from "./plan.ts";
import { wholePlan } from "./whole.ts";

/** Compiles the step of a model by the plan of this name. */
export function makePlan(name: PlanName, model: PlanModel): Promise<TrainingPlan> {
  return name === "whole" ? wholePlan(model) : layerwisePlan(model, name === "recompute");
}
