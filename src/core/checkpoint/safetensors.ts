import {
  areFinite,
  bfloat16ToFloat32,
  CumaError,
  excerpt,
  float16ToFloat32,
  formatBytes,
  show,
  unknownName,
} from "../util/index.ts";
import { FileBytes, type ByteSource } from "../io/byteSource.ts";
import { MAX_HEADER_BYTES, parseHeader, type TensorEntry } from "./safetensorsHeader.ts";

/** Bytes per element of the types that are read. */
const floatWidths = { F64: 8, F32: 4, F16: 2, BF16: 2 } as const;

/** Small enough for a processor's cache. */
const CHUNK_BYTES = 1 << 18;

export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * A safetensors file, checked: the header's length, JSON, shapes and offsets agree with the file, and tensors
 * neither overlap nor leave holes. Tensor data is read when asked for; a tensor of a type that is not read does no harm before.
 */
export class SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  private readonly source: ByteSource;
  private readonly entries: ReadonlyMap<string, TensorEntry>;

  /**
   * @param source Is closed with the file, or where it is none.
   * @throws CumaError naming the source, what was expected and what was found.
   */
  constructor(source: ByteSource) {
    this.source = source;
    try {
      const { entries, metadata } = parseHeader(readHeader(source), source.byteLength, source.path);
      this.entries = entries;
      this.metadata = metadata;
    } catch (error) {
      source.close();
      throw error;
    }
  }

  /** Opens a file on disk. @throws CumaError as the constructor. */
  static open(path: string): SafetensorsFile {
    return new SafetensorsFile(new FileBytes(path));
  }

  get path(): string {
    return this.source.path;
  }

  get names(): string[] {
    return [...this.entries.keys()];
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** Where a tensor's bytes begin: those who read all tensors read them in this order. */
  position(name: string): number {
    return this.entry(name).start;
  }

  shape(name: string): readonly number[] {
    return this.entry(name).shape;
  }

  /**
   * Reads one float tensor (F32, F16, BF16 or F64) as float32, converting piece by piece, so that no second full copy
   * exists.
   * @throws CumaError for a type that is not float, and for NaN or infinite values.
   */
  read(name: string): FloatTensor {
    const { dtype, shape, start, end } = this.entry(name);
    if (!isFloat(dtype)) {
      throw new CumaError(
        `${this.path}: tensor ${show(name)} has type ${excerpt(dtype)}; expected F32, F16, BF16 or F64`,
      );
    }
    const { data, areKnownFinite } = this.floats(dtype, start, end);
    const bad = areKnownFinite ? -1 : firstNonFinite(data);
    if (bad >= 0)
      throw new CumaError(
        `${this.path}: tensor ${show(name)} holds ${data[bad]} at element ${bad}; expected finite numbers`,
      );
    return { shape, data };
  }

  close(): void {
    this.source.close();
  }

  private floats(dtype: FloatType, start: number, end: number): { data: Float32Array; areKnownFinite: boolean } {
    if (dtype === "F32") return { data: new Float32Array(this.source.slice(start, end).buffer), areKnownFinite: false };
    const width = floatWidths[dtype];
    const data = new Float32Array((end - start) / width);
    let areKnownFinite = dtype !== "F64";
    for (let at = start; at < end; at += CHUNK_BYTES) {
      const { buffer } = this.source.slice(at, Math.min(end, at + CHUNK_BYTES));
      const out = data.subarray((at - start) / width, (at - start + buffer.byteLength) / width);
      if (dtype === "F64") {
        out.set(new Float64Array(buffer));
        continue;
      }
      const bits = new Uint16Array(buffer);
      (dtype === "BF16" ? bfloat16ToFloat32 : float16ToFloat32)(bits, out);
      areKnownFinite &&= areFinite(bits, dtype);
    }
    return { data, areKnownFinite };
  }

  private entry(name: string): TensorEntry {
    const entry = this.entries.get(name);
    if (!entry) throw new CumaError(`${this.path}: ${unknownName("tensor", name, this.entries.keys())}`);
    return entry;
  }
}

type FloatType = keyof typeof floatWidths;

function isFloat(dtype: string): dtype is FloatType {
  return Object.hasOwn(floatWidths, dtype);
}

/** Index of the first NaN or infinity, or -1. */
function firstNonFinite(data: Float32Array): number {
  // x - x is 0 for finite x and NaN otherwise, so one sum over a block tells whether to look closer.
  const block = 1 << 16;
  for (let start = 0; start < data.length; start += block) {
    const end = Math.min(start + block, data.length);
    let sum = 0;
    for (let i = start; i < end; i++) sum += data[i]! - data[i]!;
    if (sum !== 0) for (let i = start; i < end; i++) if (!Number.isFinite(data[i])) return i;
  }
  return -1;
}

/** The bytes of the JSON that a file begins with. */
function readHeader(source: ByteSource): Uint8Array {
  const { path, byteLength: size } = source;
  if (size < 8) throw new CumaError(`${path}: expected a safetensors file, found ${size} bytes`);
  const length = Number(new DataView(source.slice(0, 8).buffer).getBigUint64(0, true));
  if (length > size - 8 || length > MAX_HEADER_BYTES) {
    throw new CumaError(
      `${path}: the header says it is ${formatBytes(length)} long; expected at most ${formatBytes(Math.min(size - 8, MAX_HEADER_BYTES))} (is this a safetensors file, and complete?)`,
    );
  }
  return source.slice(8, 8 + length);
}
