import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { makeFolder, readBytes, writeFileAtomic } from "../io/index.ts";
import { hasCode } from "../util/index.ts";

const HASH_BYTES = 32;
const BLOCK_BYTES = 4_000_000;
/** A file that has become larger starts anew. */
const MAX_BYTES = 1_000_000_000;

/**
 * Vectors by text in one file that grows: records of the text's SHA-256, the float32 values, and the SHA-256 of both.
 * Several processes may add to it. A record that is damaged counts as none; the next one of its text takes its place.
 */
export class VectorFile {
  private readonly path: string;
  private readonly recordBytes: number;
  /** Where the last record of a text begins. */
  private readonly places = new Map<string, number>();
  private file: number | undefined;
  private end = 0;

  constructor(path: string, width: number) {
    this.path = path;
    this.recordBytes = HASH_BYTES + 4 * width + HASH_BYTES;
  }

  /** The vectors there are. */
  find(texts: readonly string[]): Map<string, Float32Array> {
    const found = new Map<string, Float32Array>();
    const fd = this.open();
    if (fd === undefined) return found;
    try {
      this.index(fd);
      for (const text of texts) {
        const place = this.places.get(keyOf(text).toString("hex"));
        const vector = place === undefined ? undefined : this.read(fd, place);
        if (vector) found.set(text, vector);
      }
    } finally {
      closeSync(fd);
    }
    return found;
  }

  /** Not forced to the disk: what a power failure spoils is found by its hash. */
  add(vectors: ReadonlyMap<string, Float32Array>): void {
    const records = Buffer.concat(
      [...vectors].map(([text, { buffer, byteOffset, byteLength }]) => {
        const content = Buffer.concat([keyOf(text), new Uint8Array(buffer, byteOffset, byteLength)]);
        return Buffer.concat([content, sha256(content)]);
      }),
    );
    makeFolder(dirname(this.path));
    const fd = openSync(this.path, "a");
    let size: number;
    try {
      ({ size } = fstatSync(fd));
      if (size % this.recordBytes === 0 && size <= MAX_BYTES) {
        for (let at = 0; at < records.length;) at += writeSync(fd, records, at);
        return;
      }
    } finally {
      closeSync(fd);
    }
    // A write that was cut off has left part of a record.
    const whole = size - (size % this.recordBytes);
    const kept = size > MAX_BYTES ? Buffer.alloc(0) : readBytes(this.path, Infinity).subarray(0, whole);
    writeFileAtomic(this.path, Buffer.concat([kept, records]));
  }

  private open(): number | undefined {
    try {
      return openSync(this.path, "r");
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  /** Takes in what this and other processes have added. */
  private index(fd: number): void {
    const { ino, size } = fstatSync(fd);
    if (ino !== this.file || size < this.end) {
      this.places.clear();
      this.file = ino;
      this.end = 0;
    }
    const records = Math.max(1, Math.floor(BLOCK_BYTES / this.recordBytes));
    const block = Buffer.alloc(Math.min(records * this.recordBytes, Math.max(0, size - this.end)));
    while (this.end + this.recordBytes <= size) {
      const read = readSync(fd, block, 0, block.length, this.end);
      const whole = read - (read % this.recordBytes);
      if (whole === 0) return;
      for (let at = 0; at < whole; at += this.recordBytes) {
        this.places.set(block.toString("hex", at, at + HASH_BYTES), this.end + at);
      }
      this.end += whole;
    }
  }

  private read(fd: number, place: number): Float32Array | undefined {
    const record = Buffer.alloc(this.recordBytes);
    readSync(fd, record, 0, record.length, place);
    const content = record.subarray(0, -HASH_BYTES);
    if (!sha256(content).equals(record.subarray(-HASH_BYTES))) return undefined;
    return new Float32Array(Uint8Array.from(content.subarray(HASH_BYTES)).buffer);
  }
}

function keyOf(text: string): Buffer {
  return sha256(text);
}

function sha256(content: string | Uint8Array): Buffer {
  return createHash("sha256").update(content).digest();
}
