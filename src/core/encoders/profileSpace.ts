import type { HostTensor } from "../graph/index.ts";
import type { ProfileProjection } from "./projection.ts";

/** Where an adapter's profile vectors come from. */
export interface ProfileSpace {
  /** The encoder as the user named it: "base", a folder, a hub id, or a vectors file. */
  readonly encoder: string;
  /** SHA-256 of the encoder's files: vectors of another encoder mean nothing to the adapter. */
  readonly encoderHash: string;
  /** Width of the encoder's vectors. */
  readonly width: number;
  readonly standard: Standardisation | null;
  readonly projection: ProfileProjection | undefined;
}

/** x -> (x - mean) * scale, by dimension. */
export interface Standardisation {
  readonly mean: Float32Array;
  readonly scale: Float32Array;
}

/** Width of the vectors that the adapter itself sees. */
export function profileWidth({ width, projection }: ProfileSpace): number {
  return projection?.outWidth ?? width;
}

/** Centres vectors over a set and scales every dimension to unit RMS; a dimension without spread is left at 0. */
export function standardisation(vectors: readonly Float32Array[]): Standardisation {
  const width = vectors[0]!.length;
  const mean = new Float32Array(width);
  const scale = new Float32Array(width);
  for (let d = 0; d < width; d++) {
    let sum = 0;
    for (const vector of vectors) sum += vector[d]!;
    mean[d] = sum / vectors.length;
    let squares = 0;
    for (const vector of vectors) squares += (vector[d]! - mean[d]!) ** 2;
    const rms = Math.sqrt(squares / vectors.length);
    scale[d] = rms > 1e-6 ? 1 / rms : 0;
  }
  return { mean, scale };
}

export function standardise(vector: Float32Array, { mean, scale }: Standardisation): Float32Array {
  return vector.map((x, d) => (x - mean[d]!) * scale[d]!);
}

/** The projection of one vector, outside of a graph: weight [outWidth, inWidth]. */
export function project(vector: Float32Array, { shape, data }: HostTensor): Float32Array {
  const [outWidth, inWidth] = shape as [number, number];
  return Float32Array.from({ length: outWidth }, (_, o) => {
    let sum = 0;
    for (let i = 0; i < inWidth; i++) sum += data[o * inWidth + i]! * vector[i]!;
    return sum;
  });
}
