import { closeSync, fstatSync, openSync, readSync } from "node:fs";
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
import { checkReadable, fileError } from "../io/files.ts";
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
 * A safetensors file, opened and checked: the header's length, JSON, shapes and offsets agree with the file, and tensors
 * neither overlap nor leave holes. Tensor data is read when asked for; a tensor of a type that is not read does no harm before.
 */
export class SafetensorsFile {
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  private readonly entries: ReadonlyMap<string, TensorEntry>;
  private readonly fd: number;

  /** @throws CumaError naming the file, what was expected and what was found. */
  constructor(path: string) {
    this.path = path;
    this.fd = open(path);
    try {
      const { entries, metadata } = parseHeader(readHeader(this.fd, path), fstatSync(this.fd).size, path);
      this.entries = entries;
      this.metadata = metadata;
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  get names(): string[] {
    return [...this.entries.keys()];
  }

  has(name: string): boolean {
    return this.entries.has(name);
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
    const width = floatWidths[dtype];
    const data = new Float32Array((end - start) / width);
    const half = dtype === "BF16" || dtype === "F16" ? dtype : null;
    let finite = half !== null;
    if (dtype === "F32") {
      readExactly(this.fd, new Uint8Array(data.buffer), start, this.path);
    } else {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end - start));
      for (let at = start; at < end; at += chunk.length) {
        const bytes = chunk.subarray(0, Math.min(chunk.length, end - at));
        readExactly(this.fd, bytes, at, this.path);
        const from = (at - start) / width;
        const out = data.subarray(from, from + bytes.length / width);
        if (half === null) out.set(new Float64Array(bytes.buffer, 0, out.length));
        else {
          const bits = new Uint16Array(bytes.buffer, 0, out.length);
          (half === "BF16" ? bfloat16ToFloat32 : float16ToFloat32)(bits, out);
          finite &&= areFinite(bits, half);
        }
      }
    }
    const bad = finite ? -1 : firstNonFinite(data);
    if (bad >= 0)
      throw new CumaError(
        `${this.path}: tensor ${show(name)} holds ${data[bad]} at element ${bad}; expected finite numbers`,
      );
    return { shape, data };
  }

  close(): void {
    closeSync(this.fd);
  }

  private entry(name: string): TensorEntry {
    const entry = this.entries.get(name);
    if (!entry) throw new CumaError(`${this.path}: ${unknownName("tensor", name, this.entries.keys())}`);
    return entry;
  }
}

function isFloat(dtype: string): dtype is keyof typeof floatWidths {
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

function open(path: string): number {
  checkReadable(path);
  try {
    return openSync(path, "r");
  } catch (error) {
    throw fileError(path, "cannot be opened", error);
  }
}

function readExactly(fd: number, into: Uint8Array, position: number, path: string): void {
  let done = 0;
  while (done < into.length) {
    const n = readSome(fd, into.subarray(done, done + (1 << 30)), position + done, path);
    if (n === 0)
      throw new CumaError(
        `${path}: the file ends at byte ${position + done}; expected ${into.length - done} more bytes`,
      );
    done += n;
  }
}

function readSome(fd: number, into: Uint8Array, position: number, path: string): number {
  try {
    return readSync(fd, into, 0, into.length, position);
  } catch (error) {
    throw fileError(path, "cannot be read", error);
  }
}

/** The bytes of the JSON that a file begins with. */
function readHeader(fd: number, path: string): Uint8Array {
  const { size } = fstatSync(fd);
  if (size < 8) throw new CumaError(`${path}: expected a safetensors file, found ${size} bytes`);
  const lengthBytes = new Uint8Array(8);
  readExactly(fd, lengthBytes, 0, path);
  const length = Number(new DataView(lengthBytes.buffer).getBigUint64(0, true));
  if (length > size - 8 || length > MAX_HEADER_BYTES) {
    throw new CumaError(
      `${path}: the header says it is ${formatBytes(length)} long; expected at most ${formatBytes(Math.min(size - 8, MAX_HEADER_BYTES))} (is this a safetensors file, and complete?)`,
    );
  }
  const bytes = new Uint8Array(length);
  readExactly(fd, bytes, 8, path);
  return bytes;
}

/** Serialises float32 tensors, in the order given, so that the same tensors always give the same bytes. */
export function encodeSafetensors(
  tensors: Readonly<Record<string, FloatTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header["__metadata__"] = metadata;
  let offset = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + offset).fill(0x20, 8 + json.length, 8 + headerLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(json, 8);
  let at = 8 + headerLength;
  for (const { data } of Object.values(tensors)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}
