import { Decompress } from "fzstd";
import { formatBytes } from "../util/index.ts";

/** Most bytes that one compressed buffer may hold. */
const MAX_UNPACKED = 1_000_000_000;

function checkSize(size: number): void {
  if (size > MAX_UNPACKED) throw new Error(`a compressed buffer holds more than ${formatBytes(MAX_UNPACKED)}`);
}

/** The content of zstd frames. @throws Error for what is none, or holds too much. */
export function unpackZstd(packed: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [];
  let size = 0;
  new Decompress((piece) => {
    pieces.push(piece);
    checkSize((size += piece.length));
  }).push(packed, true);
  return joined(pieces, size);
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

const LZ4_MAGIC = 0x184d2204;

/**
 * The content of an LZ4 frame. Checksums are not looked at.
 * @throws Error for what is none, or holds too much.
 * Source: github.com/lz4/lz4, doc/lz4_Frame_format.md and lz4_Block_format.md.
 */
export function unpackLz4(packed: Uint8Array): Uint8Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  if (view.getUint32(0, true) !== LZ4_MAGIC) throw new Error("expected an LZ4 frame");
  const flags = packed[4]!;
  const bit = (n: number): boolean => ((flags >> n) & 1) === 1;
  const [blockChecksum, contentSize, dictionary] = [bit(4), bit(3), bit(0)];
  const out = new Lz4Output();
  for (let at = 7 + (contentSize ? 8 : 0) + (dictionary ? 4 : 0); ;) {
    const head = view.getUint32(at, true);
    at += 4;
    if (head === 0) return out.done();
    const size = head & 0x7fffffff;
    if (at + size > packed.length) throw new Error("an LZ4 block is cut off");
    const block = packed.subarray(at, at + size);
    // The highest bit says that the block is not compressed.
    if (head >>> 31 === 1) out.literals(block);
    else out.block(block);
    at += size + (blockChecksum ? 4 : 0);
  }
}

/** The shortest match; a token's length adds to it. */
const MIN_MATCH = 4;

class Lz4Output {
  private bytes = new Uint8Array(1 << 16);
  private length = 0;

  done(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  literals(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Sequences, each of literals and a match: a stretch of what was written before. */
  block(block: Uint8Array): void {
    let at = 0;
    const next = (): number => {
      const byte = block[at++];
      if (byte === undefined) throw new Error("an LZ4 block is cut off");
      return byte;
    };
    const lengthOf = (nibble: number): number => {
      if (nibble < 15) return nibble;
      let length = 15;
      for (let byte = 255; byte === 255; length += byte) byte = next();
      return length;
    };
    while (at < block.length) {
      const token = next();
      const literals = lengthOf(token >> 4);
      if (at + literals > block.length) throw new Error("an LZ4 block is cut off");
      this.literals(block.subarray(at, at + literals));
      at += literals;
      // The last sequence has no match.
      if (at === block.length) return;
      const distance = next() | (next() << 8);
      this.match(distance, lengthOf(token & 15) + MIN_MATCH);
    }
  }

  private match(distance: number, length: number): void {
    if (distance === 0 || distance > this.length) throw new Error("an LZ4 match lies before the beginning");
    this.reserve(length);
    const from = this.length - distance;
    // Byte by byte: a match may overlap what it writes.
    for (let i = 0; i < length; i++) this.bytes[this.length + i] = this.bytes[from + i]!;
    this.length += length;
  }

  private reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    checkSize(needed);
    const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}
