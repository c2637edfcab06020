import { sizeOf, type HostTensor } from "../src/core/graph/index.ts";
import type { ParameterSpec } from "../src/core/decoder/index.ts";

/** Fills a parameter from N(0, std^2). */
export function normal(std: number): ParameterSpec["init"] {
  return (data, rng) => {
    for (let i = 0; i < data.length; i++) data[i] = std * rng.normal();
  };
}

/** Fills a parameter with 0. */
export const zeros: ParameterSpec["init"] = (data) => {
  data.fill(0);
};

/** Tensors of equal shape below one another: n of [r, c] -> [n * r, c]. */
export function stack(parts: readonly HostTensor[]): HostTensor {
  const [rows, columns] = parts[0]!.shape as [number, number];
  const data = new Float32Array(parts.length * rows * columns);
  for (const [i, part] of parts.entries()) data.set(part.data, i * rows * columns);
  return { shape: [parts.length * rows, columns], data };
}

/** [n * r, c] -> n views of [r, c]. */
export function unstack({ data }: HostTensor, n: number, shape: readonly number[]): HostTensor[] {
  const size = sizeOf(shape);
  return Array.from({ length: n }, (_, i) => ({ shape, data: data.subarray(i * size, (i + 1) * size) }));
}

/** [r, c] -> [c, r]. */
export function transposed({ shape, data }: HostTensor): HostTensor {
  const [rows, columns] = shape as [number, number];
  const out = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c]!;
  return { shape: [columns, rows], data: out };
}

/** [r, a] beside [r, b] -> [r, a + b]; alone if there is no second. */
export function joinColumns(left: HostTensor, right: HostTensor | undefined): HostTensor {
  if (!right) return left;
  const [rows, a] = left.shape as [number, number];
  const b = right.shape[1]!;
  const data = new Float32Array(rows * (a + b));
  for (let r = 0; r < rows; r++) {
    data.set(left.data.subarray(r * a, (r + 1) * a), r * (a + b));
    data.set(right.data.subarray(r * b, (r + 1) * b), r * (a + b) + a);
  }
  return { shape: [rows, a + b], data };
}

/** [r, a + b] -> [r, a] and [r, b]; the inverse of `joinColumns`. */
export function splitColumns({ shape, data }: HostTensor, a: number): [HostTensor, HostTensor] {
  const [rows, columns] = shape as [number, number];
  const part = (from: number, to: number): HostTensor => {
    const out = new Float32Array(rows * (to - from));
    for (let r = 0; r < rows; r++) {
      out.set(data.subarray(r * columns + from, r * columns + to), r * (to - from));
    }
    return { shape: [rows, to - from], data: out };
  };
  return [part(0, a), part(a, columns)];
}
