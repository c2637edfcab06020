import { floats, type HostTensor, type Precision } from "../graph/index.ts";

/** The profile vectors of a batch's rows as one tensor [B, D]; undefined where rows have none, as the adapter takes none. */
export function stackProfiles(
  precision: Precision,
  vectors: readonly (Float32Array | undefined)[],
): HostTensor | undefined {
  const width = vectors[0]?.length;
  if (width === undefined) return undefined;
  const data = floats(precision, vectors.length * width);
  for (const [b, vector] of vectors.entries()) data.set(vector!, b * width);
  return { shape: [vectors.length, width], data };
}
