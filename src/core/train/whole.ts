import { grad } from "../autodiff/index.ts";
import type { Executable } from "../engine/index.ts";
import { Graph, program, type HostTensor, type Value } from "../graph/index.ts";
import {
  baseShapes,
  buildLayer,
  embed,
  layerPrefix,
  RopeCache,
  sharedInputs,
  trimsLastLayer,
  type BuiltLayer,
} from "../decoder/index.ts";
import { projectProfiles } from "../encoders/index.ts";
import { AdapterOutputs } from "./adapterOutputs.ts";
import type { ParameterStore } from "./parameters.ts";
import {
  frozenWeights,
  readLoss,
  stepFeeds,
  type PlanModel,
  type StepInputs,
  type StepResult,
  type TrainingPlan,
} from "./plan.ts";
import { lossGraph, lossSeeds } from "./stepGraph.ts";

/** The step as one graph: fastest once it is compiled, and the plan for accelerators. */
export async function wholePlan(model: PlanModel): Promise<TrainingPlan> {
  const { config, adapter, engine, parameters, projection } = model;
  const graph = new Graph();
  const dropout = adapter.dropout > 0;
  const inputs = sharedInputs(graph, config, adapter, "T");
  const shared =
    projection && inputs.profile
      ? {
          ...inputs,
          profile: projectProfiles(projection, graph.input("profileVectors", "float", ["B", projection.inWidth])),
        }
      : inputs;
  const table = graph.input("model.embed_tokens.weight", "float", baseShapes(config).get("model.embed_tokens.weight")!);
  const layers: BuiltLayer[] = [];
  let x: Value = embed(table, graph.input("inputIds", "int", ["B", "T"]));
  for (let layer = 0; layer < config.numLayers; layer++) {
    const rows = layer === config.numLayers - 1 && trimsLastLayer(config, adapter);
    const built = buildLayer(config, layer, x, shared, layerPrefix(layer), { adapter, rows, dropout });
    layers.push(built);
    x = built.hidden;
  }
  const { loss, logged } = lossGraph(config, model.objective, x, shared.rows);
  const losses = layers.flatMap((layer) => layer.losses);
  const observed = layers.flatMap((built, layer) =>
    Object.entries(built.observed).map(([name, value]) => [layerPrefix(layer) + name, value] as const),
  );
  const fromAdapter = new AdapterOutputs(losses, Object.fromEntries(observed));
  const wrt = parameters.specs.map(({ name, shape }) => graph.input(name, "float", shape));
  const gradients = grad([{ value: loss }, ...lossSeeds(graph, losses)], wrt);
  const executable = await engine.compile(
    program({
      loss,
      ...logged,
      ...fromAdapter.values,
      ...Object.fromEntries(parameters.specs.map(({ name }, i) => [`d.${name}`, gradients[i]!])),
    }),
  );
  return new WholePlan(model, executable, fromAdapter);
}

class WholePlan implements TrainingPlan {
  readonly name = "whole";
  private readonly model: PlanModel;
  private readonly executable: Executable;
  /** With the frozen weights. */
  private readonly bound: Executable;
  private readonly fromAdapter: AdapterOutputs;
  private readonly rope: RopeCache;

  constructor(model: PlanModel, executable: Executable, fromAdapter: AdapterOutputs) {
    this.model = model;
    this.executable = executable;
    this.bound = executable.bind(Object.fromEntries(frozenWeights(model)));
    this.fromAdapter = fromAdapter;
    this.rope = new RopeCache(model.config, model.engine.precision);
  }

  async step(inputs: StepInputs, gradients: ParameterStore): Promise<StepResult> {
    const { adapter, projection } = this.model;
    const masks = inputs.dropoutMask
      ? adapter.sites.map(({ path, layer, name, inFeatures }): [string, HostTensor] => [
          `${layerPrefix(layer)}dropout.${name}`,
          inputs.dropoutMask!(path, [inputs.batch.rows, inputs.batch.tokens, inFeatures]),
        ])
      : [];
    const outputs = await this.bound.run(
      {
        ...this.model.parameters.views,
        ...stepFeeds(inputs),
        ...this.rope.feeds(inputs.batch.tokens),
        ...(inputs.profile && { [projection ? "profileVectors" : "profile"]: inputs.profile }),
        ...Object.fromEntries(masks),
      },
      Object.fromEntries(Object.entries(gradients.views).map(([name, view]) => [`d.${name}`, view])),
    );
    return { ...readLoss(outputs), ...this.fromAdapter.read(outputs, "") };
  }

  async dispose(): Promise<void> {
    await this.bound.dispose();
    await this.executable.dispose();
  }
}
