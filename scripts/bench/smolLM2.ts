import { adapters } from "../../adapters/index.ts";
import { sizeOf, type HostTensor } from "../../src/core/graph/index.ts";
import { baseShapes, linearSites, type Adapter, type DecoderConfig } from "../../src/core/decoder/index.ts";
import { Rng } from "../../src/core/util/index.ts";

/** The shape of SmolLM2-135M. */
export const smolLM2: DecoderConfig = {
  modelType: "llama",
  vocabSize: 49152,
  hiddenSize: 576,
  intermediateSize: 1536,
  numLayers: 30,
  numHeads: 9,
  numKvHeads: 3,
  headDim: 64,
  rmsNormEps: 1e-5,
  tieWordEmbeddings: true,
  maxPositions: 8192,
  rope: { theta: 100_000, llama3: null },
  bias: { qkv: false, o: false, mlp: false },
  qkNorm: false,
  noRopeLayers: new Set(),
  slidingWindow: null,
};

export const PROFILE_WIDTH = 384;

/** CuMA as the paper sets it (q_proj and v_proj, r = 8, top-2), with so many experts. */
export function cumaAdapter(numExperts: number): Adapter {
  return adapters.cuma.fit(
    { numExperts },
    { sites: linearSites(smolLM2), baseShapes: baseShapes(smolLM2), profileWidth: PROFILE_WIDTH },
  );
}

/** Uniform weights of the usual size, one block of them repeated: fast to make, and as good as any for timing. */
export function randomWeights(): Map<string, HostTensor> {
  const rng = new Rng(0, "weights");
  const block = Float32Array.from({ length: 100_003 }, () => 0.07 * (rng.uniform() - 0.5));
  return new Map(
    [...baseShapes(smolLM2)].map(([name, shape]) => {
      const data = new Float32Array(sizeOf(shape));
      if (shape.length === 1) data.fill(1);
      else for (let at = 0; at < data.length; at += block.length) data.set(block.subarray(0, data.length - at), at);
      return [name, { shape, data }];
    }),
  );
}

/** So many random token ids. */
export function randomTokens(rng: Rng, length: number): number[] {
  return Array.from({ length }, () => rng.below(smolLM2.vocabSize));
}
