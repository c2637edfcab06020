import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Path of a golden file or folder. */
export function golden(path: string): string {
  return fileURLToPath(new URL(`../fixtures/golden/${path}`, import.meta.url));
}

export function goldenJson(path: string): unknown {
  return JSON.parse(readFileSync(golden(path), "utf8"));
}

/** The F64 and F32 tensors of a safetensors file in full precision; the package itself reads everything as float32. */
export function readExact(path: string): Map<string, Float64Array> {
  const bytes = readFileSync(path);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >;
  return new Map(
    Object.entries(header).flatMap(
      ([
        name,
        {
          dtype,
          data_offsets: [start, end],
        },
      ]) => {
        if (name === "__metadata__") return [];
        const { buffer } = new Uint8Array(bytes.subarray(8 + headerLength + start, 8 + headerLength + end));
        return [[name, dtype === "F64" ? new Float64Array(buffer) : Float64Array.from(new Float32Array(buffer))]];
      },
    ),
  );
}

/** Largest difference, relative to the largest expected value. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Infinity;
  let scale = 0;
  let error = 0;
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]!));
    error = Math.max(error, Math.abs(found[i]! - expected[i]!));
  }
  return scale === 0 ? error : error / scale;
}
