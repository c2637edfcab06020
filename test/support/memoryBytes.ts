import type { ByteSource } from "../../src/core/io/index.ts";
import { CumaError } from "../../src/core/util/index.ts";

/** A byte source that is no file: what reads one must not need more of it. */
export class MemoryBytes implements ByteSource {
  readonly path: string;
  private readonly bytes: Uint8Array;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.bytes = bytes;
  }

  get byteLength(): number {
    return this.bytes.length;
  }

  slice(start: number, end: number): Uint8Array<ArrayBuffer> {
    if (end > this.bytes.length) {
      const missing = end - this.bytes.length;
      throw new CumaError(`${this.path}: the file ends at byte ${this.bytes.length}; expected ${missing} more bytes`);
    }
    return new Uint8Array(this.bytes.subarray(start, end));
  }

  close(): void {
    // Nothing is held.
  }
}
