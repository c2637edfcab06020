import { freemem } from "node:os";
import { adapters } from "../../../adapters/index.ts";
import { baseShapes, linearSites, type Adapter, type DecoderConfig } from "../../core/decoder/index.ts";
import { projectionParameter, type ProfileProjection } from "../../core/encoders/index.ts";
import type { Precision } from "../../core/graph/index.ts";
import {
  choosePlan,
  estimateMemory,
  largestBatch,
  objectives,
  ParameterStore,
  type PlanName,
} from "../../core/train/index.ts";
import type { RunConfig } from "../runConfig.ts";
import type { RunData } from "./runData.ts";

/** A run's adapter, fitted to the base, and how it is trained. */
export interface FittedRun {
  readonly adapter: Adapter;
  readonly projection: ProfileProjection | undefined;
  /** All 0: not initialised yet. */
  readonly parameters: ParameterStore;
  readonly batch: { readonly B: number; readonly T: number; readonly R: number };
  readonly plan: PlanName;
  readonly memoryBytes: number;
}

/** Whether a run's adapter takes profile vectors, and its run file names what makes them. */
export function takesProfiles({ adapter, encoder }: RunConfig): boolean {
  return encoder.model !== "none" && adapters[adapter.method].takesProfiles(adapter);
}

/**
 * Fits the adapter of a run and chooses its plan, by sizes alone.
 * @param width Of the encoder's vectors; 0 where the adapter is given none.
 * @throws CumaError where the adapter does not fit the base, or no memory could hold it.
 */
export function fitRun(run: RunConfig, { base, feed }: RunData, width: number, precision: Precision): FittedRun {
  const { train, encoder, device } = run;
  const projection = width > 0 && encoder.projection > 0 ? { inWidth: width, outWidth: encoder.projection } : undefined;
  const adapter = fitAdapter(run, base.config, projection?.outWidth ?? width);
  const specs = [...adapter.parameters, ...(projection ? [projectionParameter(projection)] : [])];
  const parameters = new ParameterStore(specs, precision);
  const model = { config: base.config, adapter, parameters, projection };
  const batch = largestBatch(feed.first, objectives[train.objective]);
  const needs = {
    sizes: batch,
    accelerator: device !== "cpu",
    availableBytes: freemem() + process.memoryUsage().rss,
  };
  const plan = run.plan === "auto" ? choosePlan(model, needs) : run.plan;
  return { adapter, projection, parameters, batch, plan, memoryBytes: estimateMemory(plan, model, needs) };
}

function fitAdapter({ adapter }: RunConfig, base: DecoderConfig, profileWidth: number): Adapter {
  const target = { sites: linearSites(base), baseShapes: baseShapes(base), profileWidth };
  return adapters[adapter.method].fit(adapter, target);
}
