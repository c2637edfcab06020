import { grad, residuals } from "../autodiff/index.ts";
import type { Engine, Executable } from "../engine/index.ts";
import {
  evaluate,
  Graph,
  program,
  type Bindings,
  type Feeds,
  type HostTensor,
  type Program,
  type Value,
} from "../graph/index.ts";
import {
  buildLayer,
  embedTokens,
  layerPrefix,
  layerTensors,
  layerVariant,
  RopeCache,
  sharedInputs,
  trimsLastLayer,
  type LayerOptions,
} from "../decoder/index.ts";
import { projectProfiles } from "../encoders/index.ts";
import { Buffers } from "./buffers.ts";
import type { ParameterStore } from "./parameters.ts";
import {
  frozenWeights,
  routerStats,
  type PlanModel,
  type RouterStats,
  type StepInputs,
  type StepResult,
  type TrainingPlan,
} from "./plan.ts";
import { balanceScale, headName, lossGraph, routerOutputs } from "./stepGraph.ts";
import { stepFeeds } from "./whole.ts";

/** The passes of all layers that are equal in everything but their tensors. */
interface LayerPasses<Pass> {
  readonly forward: Pass;
  /** Undefined below the lowest adapted layer. */
  readonly backward: Pass | undefined;
  /** Names of the values that the forward pass keeps for the backward pass. */
  readonly saved: readonly string[];
  readonly routers: readonly string[];
  /** Names of the layer's parameters inside it. */
  readonly parameters: readonly string[];
}

interface Compiled {
  readonly program: Program;
  readonly executable: Executable;
}

/**
 * The step one layer at a time: equal layers share one small program, so that compiling takes the same short time for
 * any depth. Either everything the backward pass needs is kept, or only the layers' inputs, from which it is computed
 * again.
 */
export async function layerwisePlan(model: PlanModel, recompute: boolean): Promise<TrainingPlan> {
  const foreign = model.parameters.specs.find(
    ({ name, part }) => !name.startsWith("model.layers.") && part !== "profile",
  );
  if (foreign) throw new Error(`parameter "${foreign.name}" is in no layer; train it by the plan "whole"`);
  const passes = await compilePasses(model.engine, buildPasses(model, recompute));
  return new LayerwisePlan(model, recompute, passes, await compileHead(model), await compileProjection(model));
}

/**
 * Bytes that a step keeps from the forward for the backward pass, in float32.
 * @param sizes B rows of T tokens, R of them predicting an answer token.
 */
export function savedBytes(
  model: PassModel,
  sizes: { readonly B: number; readonly T: number; readonly R: number },
  recompute: boolean,
): number {
  const bindings = new Map(Object.entries(sizes));
  let total = 0;
  for (const { forward, backward, saved } of buildPasses(model, recompute)) {
    if (!backward) continue;
    for (const name of ["hidden", ...saved]) {
      total += 4 * forward.outputs.get(name)!.shape.reduce<number>((n, dim) => n * evaluate(dim, bindings)!, 1);
    }
  }
  return total;
}

type PassModel = Pick<PlanModel, "config" | "adapter" | "projection">;

/** The programs of every layer; equal layers share one object. */
function buildPasses(model: PassModel, recompute: boolean): LayerPasses<Program>[] {
  const { config, adapter } = model;
  const lowest = Math.min(...adapter.sites.map((site) => site.layer));
  const variants = new Map<string, LayerPasses<Program>>();
  return Array.from({ length: config.numLayers }, (_, layer) => {
    const options: LayerOptions = {
      adapter,
      rows: layer === config.numLayers - 1 && trimsLastLayer(config, adapter),
      dropout: adapter.dropout > 0,
    };
    const backward = layer >= lowest;
    const key = `${layerVariant(config, layer, options)} ${backward}`;
    let variant = variants.get(key);
    if (!variant) variants.set(key, (variant = buildLayerPasses(model, layer, options, backward, recompute)));
    return variant;
  });
}

async function compilePasses(
  engine: Engine,
  passes: readonly LayerPasses<Program>[],
): Promise<LayerPasses<Compiled>[]> {
  const compile = async (built: Program): Promise<Compiled> => ({
    program: built,
    executable: await engine.compile(built),
  });
  const done = new Map<LayerPasses<Program>, LayerPasses<Compiled>>();
  for (const built of new Set(passes)) {
    const backward = built.backward && (await compile(built.backward));
    done.set(built, { ...built, forward: await compile(built.forward), backward });
  }
  return passes.map((built) => done.get(built)!);
}

function buildLayerPasses(
  { config, adapter, projection }: PassModel,
  layer: number,
  options: LayerOptions,
  backward: boolean,
  recompute: boolean,
): LayerPasses<Program> {
  const graph = new Graph();
  const x = graph.input("x", "float", ["B", "T", config.hiddenSize]);
  const shared = sharedInputs(graph, config, adapter, "T");
  const built = buildLayer(config, layer, x, shared, "", options);
  const parameters = [...built.parameters.keys()];
  const routers = built.routers.map(({ name }) => name);
  const outputs = { hidden: built.hidden, ...routerOutputs(built.routers) };
  if (!backward) {
    return { forward: program(outputs), backward: undefined, saved: [], routers, parameters };
  }

  const wrt: Record<string, Value> = {
    "d.x": x, // The lowest layer could do without, but then it would be a program, and hold memory, of its own.
    ...(projection && shared.profile && { "d.profile": shared.profile }),
    ...Object.fromEntries([...built.parameters].map(([name, value]) => [`d.${name}`, value])),
  };
  const scale = balanceScale(graph);
  const gradients = grad(
    [
      { value: built.hidden, gradient: graph.input("d.hidden", "float", built.hidden.shape) },
      ...built.routers.map(({ balance }) => ({ value: balance, gradient: scale })),
    ],
    Object.values(wrt),
  );
  const backwardOutputs = Object.fromEntries(Object.keys(wrt).map((name, i) => [name, gradients[i]!]));
  const kept = recompute ? [] : residuals(Object.values(outputs), gradients);
  const saved = Object.fromEntries(kept.map((value, i) => [`saved.${i}`, value]));
  return {
    forward: program({ ...outputs, ...saved }),
    backward: program(backwardOutputs, saved),
    saved: Object.keys(saved),
    routers,
    parameters,
  };
}

/** The loss and its gradient with respect to the last layer's output. */
async function compileHead({ config, adapter, engine }: PlanModel): Promise<Executable> {
  const graph = new Graph();
  const shape = trimsLastLayer(config, adapter) ? ["R", config.hiddenSize] : ["B", "T", config.hiddenSize];
  const hidden = graph.input("hidden", "float", shape);
  const loss = lossGraph(config, hidden, graph.input("rows", "int", ["R"]));
  const [gradient] = grad([{ value: loss }], [hidden]);
  return engine.compile(program({ loss, "d.hidden": gradient! }));
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
    const routers: RouterStats[] = [];
    let hidden = embedTokens(table, inputs.batch.feeds.inputIds, this.buffers.floats("embedded", [B, T, H]).data);
    for (const [layer, { forward, backward, saved, routers: names }] of this.bound.entries()) {
      const feeds = { ...this.layers[layer], ...shared, x: hidden, ...this.masks(inputs, layer) };
      const own = backward ? `layer ${layer}` : `frozen ${layer % 2}`;
      const into = Object.fromEntries(
        ["hidden", ...saved].map((name) => [name, this.output(forward.program, name, `${own} ${name}`, bindings)]),
      );
      const outputs = await forward.executable.run(feeds, into);
      kept.push({ x: hidden, ...Object.fromEntries(saved.map((name) => [name, outputs[name]!])) });
      routers.push(...names.map((name) => routerStats(outputs, name, layerPrefix(layer))));
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
    return { loss: result["loss"]!.data[0]!, routers };
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
