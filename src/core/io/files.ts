import { createHash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  type ReadStream,
  type Stats,
} from "node:fs";
import { extname } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip, type Gunzip } from "node:zlib";
import { CumaError, hasCode, messageOf } from "../util/errors.ts";
import { parseJson } from "../util/json.ts";
import { formatBytes } from "../util/text.ts";

const MAX_TEXT_BYTES = 512_000_000;

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  EEXIST: "it is a file; expected a folder",
  EISDIR: "it is a folder; expected a file",
  ENOTDIR: "it is a file; expected a folder",
  ENOSPC: "the disk is full",
  EFBIG: "the file-size limit is reached",
  EDQUOT: "the disk quota is used up",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "it is a symbolic link that leads to itself",
};

/** A failed file operation as a message that names the file and why. */
export function fileError(path: string, doing: string, error: unknown): CumaError {
  const code = Object.keys(reasons).find((key) => hasCode(error, key));
  return new CumaError(`${path}: ${doing}: ${code === undefined ? messageOf(error) : reasons[code]!}`, {
    cause: error,
  });
}

/**
 * Makes sure that what stands at a path can be read as a file: it is a regular one, and not what a download or a clone
 * leaves in a file's place.
 * @returns Its size in bytes.
 * @throws CumaError naming the path, and what it is instead.
 */
export function checkReadable(path: string): number {
  const head = Buffer.alloc(HEAD_BYTES);
  let size: number;
  let length: number;
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) throw new CumaError(reasons["EISDIR"]);
    if (!stats.isFile()) throw new CumaError(`it is ${kindOf(stats)}; expected a file (save what it gives first)`);
    size = stats.size;
    const fd = openSync(path, "r");
    try {
      length = readSync(fd, head, 0, HEAD_BYTES, 0);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileError(path, "cannot be read", error);
  }
  const instead = standIn(head.subarray(0, length), extname(path).toLowerCase());
  if (instead !== null) throw new CumaError(`${path}: ${instead}`);
  return size;
}

const HEAD_BYTES = 512;

/** What stands in a file's place: "a pipe", "a device". */
export function kindOf(stats: Stats): string {
  if (stats.isFIFO()) return "a pipe";
  return stats.isSocket() ? "a socket" : "a device";
}

/** What stands in place of a file, by its first bytes; null where nothing speaks against it. */
function standIn(head: Buffer, extension: string): string | null {
  const text = head.toString("latin1");
  if (text.startsWith("version https://git-lfs.github.com/spec/")) {
    return 'is a Git LFS pointer, not the file itself; fetch it with "git lfs pull"';
  }
  if (/^\s*<(!doctype html|html|head)[\s>]/i.test(text)) {
    return "is an HTML page, not the file itself; a download has saved an error or a login page";
  }
  const packed = packings.find(({ magic, endings }) => text.startsWith(magic) && !endings.includes(extension));
  return packed ? `is packed (${packed.name}); unpack it first` : null;
}

/** Containers by the bytes they begin with; `endings` are formats that are such containers themselves. */
const packings: readonly { readonly name: string; readonly magic: string; readonly endings: readonly string[] }[] = [
  { name: "gzip", magic: "\x1f\x8b", endings: [".gz"] },
  { name: "zip", magic: "PK\x03\x04", endings: [] },
  { name: "zstd", magic: "\x28\xb5\x2f\xfd", endings: [] },
  { name: "bzip2", magic: "BZh", endings: [] },
  { name: "xz", magic: "\xfd7zXZ\0", endings: [] },
];

/** SHA-256 (hex) of a file's content, read piece by piece. */
export async function sha256File(path: string): Promise<string> {
  checkReadable(path);
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  } catch (error) {
    throw fileError(path, "cannot be read", error);
  }
  return hash.digest("hex");
}

/** @throws CumaError naming the file where it cannot be read, is none (see `checkReadable`), or is too large. */
export function readBytes(path: string, maxBytes: number): Uint8Array {
  checkSize(path, checkReadable(path), maxBytes);
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(path, "cannot be read", error);
  }
}

/** @throws CumaError naming a file of more bytes than can be read. */
export function checkSize(path: string, size: number, maxBytes: number): void {
  if (size <= maxBytes) return;
  throw new CumaError(
    `${path}: cannot be read: it has ${formatBytes(size)}; expected at most ${formatBytes(maxBytes)}`,
  );
}

/** @throws CumaError naming the file where it cannot be read, is too large, or is not UTF-8. */
export function readText(path: string, maxBytes = MAX_TEXT_BYTES): string {
  return decodeText(path, readBytes(path, maxBytes));
}

/** @throws CumaError naming the file that the bytes are from where they are not UTF-8. */
export function decodeText(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new CumaError(`${path}: ${NOT_UTF8}`, { cause: error });
  }
}

/** @throws CumaError naming the file, and where in it the JSON goes wrong. */
export function readJson(path: string, maxBytes = MAX_TEXT_BYTES): unknown {
  return parseJson(path, readText(path, maxBytes));
}

/**
 * A text file, piece by piece, unpacked where its name ends in `.gz`.
 * @throws CumaError naming the file where it cannot be read, is not UTF-8, or unpacks to more than 2 GB.
 */
export async function* textChunks(path: string): AsyncGenerator<string> {
  checkReadable(path);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const packed = extname(path).toLowerCase() === ".gz";
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  let size = 0;
  try {
    for await (const bytes of packed ? unpacked(file) : file) {
      size += (bytes as Uint8Array).length;
      if (packed && size > MAX_UNPACKED_BYTES) {
        throw new CumaError(`it unpacks to more than ${formatBytes(MAX_UNPACKED_BYTES)}`);
      }
      yield decoder.decode(bytes as Uint8Array, { stream: true });
    }
    decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw new CumaError(`${path}: ${NOT_UTF8}`, { cause: error });
    throw fileError(path, "cannot be read", error);
  } finally {
    file.destroy();
  }
}

/** A pipe does not hand on errors. */
function unpacked(file: ReadStream): Gunzip {
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  file.on("error", (error) => gunzip.destroy(error));
  return file.pipe(gunzip);
}

const MAX_UNPACKED_BYTES = 2_000_000_000;
const NOT_UTF8 = "is not UTF-8 text; save it with that encoding (Excel: CSV UTF-8)";

/** Names in a folder, sorted. */
export function listFolder(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    throw fileError(path, "cannot be read", error);
  }
}
