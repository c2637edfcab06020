import { grad } from "../autodiff/index.ts";
import type { Executable } from "../engine/index.ts";
import { Graph, program, type Feeds, type HostTensor, type Value } from "../graph/index.ts";
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
import type { ParameterStore } from "./parameters.ts";
import {
  frozenWeights,
  routerStats,
  type PlanModel,
  type StepInputs,
  type StepResult,
  type TrainingPlan,
} from "./plan.ts";
import { balanceScale, lossGraph, routerOutputs } from "./stepGraph.ts";

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
  const loss = lossGraph(config, x, shared.rows);
  const routers = layers.flatMap(({ routers: own }, layer) =>
    own.map((router) => ({ ...router, name: layerPrefix(layer) + router.name })),
  );
  const wrt = parameters.specs.map(({ name, shape }) => graph.input(name, "float", shape));
  const scale = balanceScale(graph);
  const gradients = grad(
    [{ value: loss }, ...routers.map(({ balance }) => ({ value: balance, gradient: scale }))],
    wrt,
  );
  const executable = await engine.compile(
    program({
      loss,
      ...routerOutputs(routers),
      ...Object.fromEntries(parameters.specs.map(({ name }, i) => [`d.${name}`, gradients[i]!])),
    }),
  );
  return new WholePlan(
    model,
    executable,
    routers.map(({ name }) => name),
  );
}

class WholePlan implements TrainingPlan {
  readonly name = "whole";
  private readonly model: PlanModel;
  private readonly executable: Executable;
  /** With the frozen weights. */
  private readonly bound: Executable;
  private readonly routers: readonly string[];
  private readonly rope: RopeCache;

  constructor(model: PlanModel, executable: Executable, routers: readonly string[]) {
    this.model = model;
    this.executable = executable;
    this.bound = executable.bind(Object.fromEntries(frozenWeights(model)));
    this.routers = routers;
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
    return {
      loss: outputs["loss"]!.data[0]!,
      routers: this.routers.map((name) => routerStats(outputs, name, "")),
    };
  }

  async dispose(): Promise<void> {
    await this.bound.dispose();
    await this.executable.dispose();
  }
}

/** Feeds of a step that do not depend on the plan. */
export function stepFeeds({ batch, labels, balanceScale: scale }: StepInputs): Feeds {
  const vector = (data: Int32Array): HostTensor => ({ shape: [data.length], data });
  return {
    ...batch.feeds,
    rows: vector(labels.rows),
    labelRow: vector(labels.row),
    labelToken: vector(labels.token),
    labelWeight: { shape: [labels.weight.length], data: labels.weight },
    balanceScale: { shape: [], data: Float64Array.of(scale) },
  };
}
