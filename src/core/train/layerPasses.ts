import { grad, residuals } from "../autodiff/index.ts";
import type { Engine, Executable } from "../engine/index.ts";
import { evaluate, Graph, program, type Program, type Value } from "../graph/index.ts";
import { buildLayer, layerVariant, sharedInputs, trimsLastLayer, type LayerOptions } from "../decoder/index.ts";
import { AdapterOutputs } from "./adapterOutputs.ts";
import type { PlanModel } from "./plan.ts";
import { lossSeeds } from "./stepGraph.ts";

/** The passes of all layers that are equal in everything but their tensors. */
export interface LayerPasses<Pass> {
  readonly forward: Pass;
  /** Undefined below the lowest adapted layer. */
  readonly backward: Pass | undefined;
  /** Names of the values that the forward pass keeps for the backward pass. */
  readonly saved: readonly string[];
  /** What the adapter gives in the forward pass. */
  readonly fromAdapter: AdapterOutputs;
  /** Names of the layer's parameters inside it. */
  readonly parameters: readonly string[];
}

/** A program, ready to be run. */
export interface Compiled {
  readonly program: Program;
  readonly executable: Executable;
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
export function buildPasses(model: PassModel, recompute: boolean): LayerPasses<Program>[] {
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

export async function compilePasses(
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
  const fromAdapter = new AdapterOutputs(built.losses, built.observed);
  const outputs = { hidden: built.hidden, ...fromAdapter.values };
  if (!backward) {
    return { forward: program(outputs), backward: undefined, saved: [], fromAdapter, parameters };
  }

  const wrt: Record<string, Value> = {
    "d.x": x, // The lowest layer could do without, but then it would be a program, and hold memory, of its own.
    ...(projection && shared.profile && { "d.profile": shared.profile }),
    ...Object.fromEntries([...built.parameters].map(([name, value]) => [`d.${name}`, value])),
  };
  const gradients = grad(
    [
      { value: built.hidden, gradient: graph.input("d.hidden", "float", built.hidden.shape) },
      ...lossSeeds(graph, built.losses),
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
    fromAdapter,
    parameters,
  };
}
