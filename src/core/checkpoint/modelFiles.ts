import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { FileBytes, listFolder, textOf, type ByteSource } from "../io/index.ts";
import { parseJson } from "../util/index.ts";

/** The files of a model by their names, wherever they are. */
export interface ModelFiles {
  /** Names the model in messages. */
  readonly path: string;
  has(name: string): boolean;
  /** Names of all files, sorted. @throws CumaError where they cannot be listed. */
  names(): readonly string[];
  /** Where a file is, for messages. */
  pathOf(name: string): string;
  /** @throws CumaError naming a file that is not there or cannot be read. */
  open(name: string): ByteSource;
}

/** A model in a folder. */
export function folderFiles(folder: string): ModelFiles {
  const pathOf = (name: string): string => join(folder, name);
  return {
    path: folder,
    has: (name) => existsSync(pathOf(name)),
    names: () => listFolder(folder),
    pathOf,
    open: (name) => new FileBytes(pathOf(name)),
  };
}

/** @throws CumaError naming the file where it cannot be read, is too large, or is not JSON. */
export function jsonOf(files: ModelFiles, name: string, maxBytes: number): unknown {
  const source = files.open(name);
  try {
    return parseJson(source.path, textOf(source, maxBytes));
  } finally {
    source.close();
  }
}

/** Bytes that are read at once where they are only hashed. */
const CHUNK_BYTES = 1 << 18;

/** SHA-256 of a file's bytes, each of which is taken once, in their order. */
class Sha256 {
  private readonly hash = createHash("sha256");
  /** How many have been taken. */
  private length = 0;

  /** Takes of the bytes that begin at `start` those that are new; what lies before them is read first. */
  take(source: ByteSource, start: number, bytes: Uint8Array): void {
    this.takeUpTo(source, start);
    const end = start + bytes.length;
    if (end <= this.length) return;
    this.hash.update(bytes.subarray(this.length - start));
    this.length = end;
  }

  digest(source: ByteSource): string {
    this.takeUpTo(source, source.byteLength);
    return this.hash.copy().digest("hex");
  }

  private takeUpTo(source: ByteSource, end: number): void {
    while (this.length < end) {
      const next = Math.min(end, this.length + CHUNK_BYTES);
      this.hash.update(source.slice(this.length, next));
      this.length = next;
    }
  }
}

/**
 * The files of a model, hashed as they are read, so that who reads and hashes them reads them once. What is never asked
 * for, or asked for out of order, is read for the hash.
 */
export class HashedFiles implements ModelFiles {
  private readonly files: ModelFiles;
  private readonly hashes = new Map<string, Sha256>();

  constructor(files: ModelFiles) {
    this.files = files;
  }

  get path(): string {
    return this.files.path;
  }

  has(name: string): boolean {
    return this.files.has(name);
  }

  names(): readonly string[] {
    return this.files.names();
  }

  pathOf(name: string): string {
    return this.files.pathOf(name);
  }

  open(name: string): ByteSource {
    const source = this.files.open(name);
    const hash = this.hashOf(name);
    return {
      path: source.path,
      byteLength: source.byteLength,
      slice: (start, end) => {
        const bytes = source.slice(start, end);
        hash.take(source, start, bytes);
        return bytes;
      },
      close: () => {
        source.close();
      },
    };
  }

  /** SHA-256 (hex) of a file's whole content. @throws CumaError where what is left of it cannot be read. */
  sha256(name: string): string {
    const source = this.files.open(name);
    try {
      return this.hashOf(name).digest(source);
    } finally {
      source.close();
    }
  }

  private hashOf(name: string): Sha256 {
    const hash = this.hashes.get(name) ?? new Sha256();
    this.hashes.set(name, hash);
    return hash;
  }
}
