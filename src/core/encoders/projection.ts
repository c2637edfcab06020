import type { Value } from "../graph/index.ts";
import { matmul } from "../ops/index.ts";
import type { ParameterSpec } from "../decoder/adapter.ts";

/** A trained linear map from the encoder's vectors [B, inWidth] to the profile vectors [B, outWidth] of the adapter. */
export interface ProfileProjection {
  readonly inWidth: number;
  readonly outWidth: number;
}

/** Name of its matrix [outWidth, inWidth]. */
export const PROJECTION = "profile_encoder.projection.weight";

/** Vectors of unit RMS keep it at the start. */
export function projectionParameter({ inWidth, outWidth }: ProfileProjection): ParameterSpec {
  return {
    name: PROJECTION,
    shape: [outWidth, inWidth],
    part: "profile",
    layer: null,
    decay: true,
    init: (data, rng) => {
      for (let i = 0; i < data.length; i++) data[i] = rng.normal() / Math.sqrt(inWidth);
    },
  };
}

/** Adds the projection to a graph: [B, inWidth] -> [B, outWidth]. */
export function projectProfiles({ inWidth, outWidth }: ProfileProjection, vectors: Value): Value {
  return matmul(vectors, vectors.graph.input(PROJECTION, "float", [outWidth, inWidth]), { transB: true });
}
