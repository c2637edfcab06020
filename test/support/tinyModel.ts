import { adapters, type AdapterName } from "../../adapters/index.ts";
import type { HostTensor } from "../../src/core/graph/index.ts";
import { sizeOf } from "../../src/core/graph/index.ts";
import { baseShapes, linearSites, type DecoderConfig } from "../../src/core/decoder/index.ts";
import { ParameterStore } from "../../src/core/train/index.ts";
import { Rng } from "../../src/core/util/index.ts";

/** A decoder small enough for tests, with grouped key heads. */
export const tinyConfig: DecoderConfig = {
  modelType: "llama",
  vocabSize: 50,
  hiddenSize: 24,
  intermediateSize: 40,
  numLayers: 3,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-5,
  tieWordEmbeddings: true,
  maxPositions: 512,
  rope: { theta: 10_000, llama3: null },
  bias: { qkv: false, o: false, mlp: false },
  qkNorm: false,
  noRopeLayers: new Set(),
  slidingWindow: null,
};

/** Random weights, large enough for every part to matter. */
export function randomWeights(config: DecoderConfig, seed: number): Map<string, HostTensor> {
  return new Map(
    [...baseShapes(config)].map(([name, shape]) => {
      const rng = new Rng(seed, name);
      const data = new Float32Array(sizeOf(shape)).map(() =>
        shape.length === 1 ? 1 + 0.1 * rng.normal() : (0.7 * rng.normal()) / Math.sqrt(shape[1]!),
      );
      return [name, { shape, data }];
    }),
  );
}

/** An adapter whose every parameter is random: nothing in it is 0. */
export function randomAdapter(
  method: AdapterName,
  config: object,
  model: DecoderConfig,
  profileWidth: number,
  seed: number,
) {
  const adapter = adapters[method].fit(
    { method, ...config },
    { sites: linearSites(model), baseShapes: baseShapes(model), profileWidth },
  );
  const parameters = new ParameterStore(adapter.parameters, "float32");
  const rng = new Rng(seed, method);
  for (let i = 0; i < parameters.flat.length; i++) parameters.flat[i] = 0.3 * rng.normal();
  return { adapter, parameters };
}
