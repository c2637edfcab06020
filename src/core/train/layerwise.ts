import { grad } from "../autodiff/index.ts";
import type { Executable } from "../engine/index.ts";
import { evaluate, Graph, program, type Bindings, type Feeds, type HostTensor, type Program } from "../graph/index.ts";
import { embedTokens, layerPrefix, layerTensors, RopeCache, trimsLastLayer } from "../decoder/index.ts";
import { projectProfiles } from "../encoders/index.ts";
import { joinLayers, type AdapterResults } from "./adapterOutputs.ts";
import { Buffers } from "./buffers.ts";
import { buildPasses, compilePasses, type Compiled, type LayerPasses } from "./layerPasses.ts";
import type { ParameterStore } from "./parameters.ts";
import {
  frozenWeights,
  outsideLayers,
  readLoss,
  stepFeeds,
  type PlanModel,
  type StepInputs,
  type StepResult,
  type TrainingPlan,
} from "./plan.ts";
import { headName, lossGraph } from "./stepGraph.ts";

/**
 * The step one layer at a time: equal layers share one small program, so that compiling takes the same short time for
 * any depth. Either everything the backward pass needs is kept, or only the layers' inputs, from which it is computed
 * again.
 */
export async function layerwisePlan(model: PlanModel, recompute: boolean): Promise<TrainingPlan> {
  const [foreign] = outsideLayers(model.parameters.specs);
  if (foreign) throw new Error(`parameter "${foreign.name}" is in no layer; train it by the plan "whole"`);
  const passes = await compilePasses(model.engine, buildPasses(model, recompute));
  return new LayerwisePlan(model, recompute, passes, await compileHead(model), await compileProjection(model));
}

/** The loss and its gradient with respect to the last layer's output. */
async function compileHead({ config, adapter, engine, objective }: PlanModel): Promise<Executable> {
  const graph = new Graph();
  const shape = trimsLastLayer(config, adapter) ? ["R", config.hiddenSize] : ["B", "T", config.hiddenSize];
  const hidden = graph.input("hidden", "float", shape);
  const { loss, logged } = lossGraph(config, objective, hidden, graph.input("rows", "int", ["R"]));
  const [gradient] = grad([{ value: loss }], [hidden]);
  return engine.compile(program({ loss, ...logged, "d.hidden": gradient! }));
}

interface Projection {
  readonly forward: Executable;
  readonly backward: Executable;
  readonly parameter: string;
}

async function compileProjection({ engine, projection }: PlanModel): Promise<Projection | undefined> {
  if (!projection) return undefined;
  const graph = new Graph();
  const vectors = graph.input("profileVectors", "float", ["B", projection.inWidth]);
  const profile = projectProfiles(projection, vectors);
  const [parameter, weight] = [...graph.inputs].find(([, value]) => value !== vectors)!;
  const [gradient] = grad([{ value: profile, gradient: graph.input("d.profile", "float", profile.shape) }], [weight]);
  return {
    forward: await engine.compile(program({ profile })),
    backward: await engine.compile(program({ [`d.${parameter}`]: gradient! })),
    parameter,
  };
}

class LayerwisePlan implements TrainingPlan {
  readonly name: "layerwise" | "recompute";
  private readonly model: PlanModel;
  private readonly passes: readonly LayerPasses<Compiled>[];
  private readonly head: Executable;
  /** With the frozen weights. */
  private readonly boundHead: Executable;
  private readonly projection: Projection | undefined;
  /** The passes of each layer with its frozen weights. */
  private readonly bound: readonly LayerPasses<Compiled>[];
  /** The parameters of each layer. */
  private readonly layers: readonly Feeds[];
  private readonly buffers: Buffers;
  private readonly rope: RopeCache;

  constructor(
    model: PlanModel,
    recompute: boolean,
    passes: readonly LayerPasses<Compiled>[],
    head: Executable,
    projection: Projection | undefined,
  ) {
    this.name = recompute ? "recompute" : "layerwise";
    this.model = model;
    this.passes = passes;
    this.head = head;
    const ofHead = ["model.norm.weight", headName(model.config)];
    this.boundHead = head.bind(Object.fromEntries(ofHead.map((name) => [name, model.weights.get(name)!])));
    this.projection = projection;
    const frozen = frozenWeights(model);
    this.bound = passes.map((pass, layer) => {
      const resident = layerTensors(frozen, layer);
      const bind = ({ program, executable }: Compiled) => ({ program, executable: executable.bind(resident) });
      return { ...pass, forward: bind(pass.forward), backward: pass.backward && bind(pass.backward) };
    });
    const parameters = Object.entries(model.parameters.views);
    this.layers = passes.map((_, layer) => layerTensors(parameters, layer));
    this.buffers = new Buffers(model.engine);
    this.rope = new RopeCache(model.config, model.engine.precision);
  }

  async step(inputs: StepInputs, gradients: ParameterStore): Promise<StepResult> {
    const { config, weights } = this.model;
    const { rows: B, tokens: T } = inputs.batch;
    const H = config.hiddenSize;
    const bindings = new Map([
      ["B", B],
      ["T", T],
      ["R", inputs.labels.rows.length],
    ]);
    const shared: Feeds = {
      ...stepFeeds(inputs),
      ...this.rope.feeds(T),
      ...(inputs.profile && { profile: await this.project(inputs.profile) }),
    };

    const table = weights.get("model.embed_tokens.weight")!;
    const kept: Feeds[] = [];
    const given: AdapterResults[] = [];
    let hidden = embedTokens(table, inputs.batch.feeds.inputIds, this.buffers.floats("embedded", [B, T, H]).data);
    for (const [layer, { forward, backward, saved, fromAdapter }] of this.bound.entries()) {
      const feeds = { ...this.layers[layer], ...shared, x: hidden, ...this.masks(inputs, layer) };
      const own = backward ? `layer ${layer}` : `frozen ${layer % 2}`;
      const into = Object.fromEntries(
        ["hidden", ...saved].map((name) => [name, this.output(forward.program, name, `${own} ${name}`, bindings)]),
      );
      const outputs = await forward.executable.run(feeds, into);
      kept.push({ x: hidden, ...Object.fromEntries(saved.map((name) => [name, outputs[name]!])) });
      given.push(fromAdapter.read(outputs, layerPrefix(layer)));
      hidden = outputs["hidden"]!;
    }

    const result = await this.boundHead.run(
      { ...shared, hidden },
      { "d.hidden": this.buffers.floats("gradient head", hidden.shape) },
    );

    let gradient = result["d.hidden"]!;
    let profileGradient: HostTensor | undefined;
    for (let layer = config.numLayers - 1; layer >= 0; layer--) {
      const { backward, parameters } = this.bound[layer]!;
      if (!backward) break;
      const into: Record<string, HostTensor> = Object.fromEntries(
        parameters.map((name) => [`d.${name}`, gradients.views[layerPrefix(layer) + name]!]),
      );
      for (const name of ["d.x", "d.profile"]) {
        if (backward.program.outputs.has(name))
          into[name] = this.output(backward.program, name, `gradient ${layer % 2} ${name}`, bindings);
      }
      const outputs = await backward.executable.run(
        { ...this.layers[layer], ...shared, ...kept[layer], ...this.masks(inputs, layer), "d.hidden": gradient },
        into,
      );
      gradient = outputs["d.x"]!;
      profileGradient = this.addProfileGradient(profileGradient, outputs["d.profile"]);
    }
    if (this.projection && profileGradient) {
      const { backward, parameter } = this.projection;
      await backward.run(
        { profileVectors: inputs.profile!, "d.profile": profileGradient },
        { [`d.${parameter}`]: gradients.views[parameter]! },
      );
    }
    return { ...readLoss(result), ...joinLayers(given) };
  }

  async dispose(): Promise<void> {
    for (const { forward, backward } of new Set([...this.bound, ...this.passes])) {
      await forward.executable.dispose();
      await backward?.executable.dispose();
    }
    await this.boundHead.dispose();
    await this.head.dispose();
    await this.projection?.forward.dispose();
    await this.projection?.backward.dispose();
  }

  private async project(vectors: HostTensor): Promise<HostTensor> {
    if (!this.projection) return vectors;
    const { profile } = await this.projection.forward.run({
      profileVectors: vectors,
      [this.projection.parameter]: this.model.parameters.views[this.projection.parameter]!,
    });
    return profile!;
  }

  private masks({ batch, dropoutMask }: StepInputs, layer: number): Feeds {
    if (!dropoutMask) return {};
    const sites = this.model.adapter.sites.filter((site) => site.layer === layer);
    return Object.fromEntries(
      sites.map(({ name, path, inFeatures }) => [
        `dropout.${name}`,
        dropoutMask(path, [batch.rows, batch.tokens, inFeatures]),
      ]),
    );
  }

  private output({ outputs }: Program, name: string, buffer: string, bindings: Bindings): HostTensor {
    const { dtype, shape } = outputs.get(name)!;
    const sizes = shape.map((dim) => evaluate(dim, bindings)!);
    return dtype === "int" ? this.buffers.ints(buffer, sizes) : this.buffers.floats(buffer, sizes);
  }

  private addProfileGradient(sum: HostTensor | undefined, next: HostTensor | undefined): HostTensor | undefined {
    if (!next) return sum;
    if (!sum) return { shape: next.shape, data: next.data.slice() };
    next.data.forEach((value, i) => (sum.data[i]! += value));
    return sum;
  }
}
