import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { CumaError } from "../util/index.ts";
import { checkReadable, checkSize, decodeText, fileError } from "./files.ts";

/**
 * Bytes that are read piece by piece, wherever they are. (The model is hyparquet's; reading does not wait, for what comes
 * over a network is kept before it is used.)
 */
export interface ByteSource {
  /** Names it in messages. */
  readonly path: string;
  readonly byteLength: number;
  /**
   * A copy, in a buffer of its own, of the bytes from `start` to before `end`.
   * @throws CumaError naming the source where it cannot be read, or ends before.
   */
  slice(start: number, end: number): Uint8Array<ArrayBuffer>;
  close(): void;
}

/** Most bytes that are asked of a file at once. */
const MAX_READ = 1 << 30;

/** A file on disk. */
export class FileBytes implements ByteSource {
  readonly path: string;
  readonly byteLength: number;
  private readonly fd: number;

  /** @throws CumaError naming the file where it cannot be read, or is none (see `checkReadable`). */
  constructor(path: string) {
    this.path = path;
    checkReadable(path);
    try {
      this.fd = openSync(path, "r");
      this.byteLength = fstatSync(this.fd).size;
    } catch (error) {
      throw fileError(path, "cannot be opened", error);
    }
  }

  slice(start: number, end: number): Uint8Array<ArrayBuffer> {
    // Every byte of it is written below.
    const bytes = Buffer.allocUnsafeSlow(end - start);
    for (let at = 0; at < bytes.length;) {
      const read = this.read(bytes.subarray(at, at + MAX_READ), start + at);
      if (read === 0) {
        const missing = bytes.length - at;
        throw new CumaError(`${this.path}: the file ends at byte ${start + at}; expected ${missing} more bytes`);
      }
      at += read;
    }
    return new Uint8Array(bytes.buffer);
  }

  close(): void {
    closeSync(this.fd);
  }

  private read(into: Uint8Array, position: number): number {
    try {
      return readSync(this.fd, into, 0, into.length, position);
    } catch (error) {
      throw fileError(this.path, "cannot be read", error);
    }
  }
}

/** @throws CumaError naming the source where it cannot be read, is too large, or is not UTF-8. */
export function textOf(source: ByteSource, maxBytes: number): string {
  checkSize(source.path, source.byteLength, maxBytes);
  return decodeText(source.path, source.slice(0, source.byteLength));
}
