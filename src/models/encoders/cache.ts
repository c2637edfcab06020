import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileError, homeFolder } from "../../io/index.ts";
import { CumaError } from "../../util/index.ts";
import type { TextEncoder } from "./types.ts";

/** Texts encoded between two writes: what an interruption can lose. */
const CHUNK = 256;
const CHECKSUM_BYTES = 32;

/** Where vectors are kept: `CUMA_CACHE`, or `cuma/embeddings` in `XDG_CACHE_HOME` or ~/.cache. */
export function embeddingsFolder(): string {
  const chosen = process.env["CUMA_CACHE"];
  if (chosen) return chosen;
  return join(process.env["XDG_CACHE_HOME"] || join(homeFolder("CUMA_CACHE, by default in ~/.cache"), ".cache"), "cuma", "embeddings");
}

/**
 * Keeps an encoder's vectors on disk: one file per text, under SHA-256 of the encoder's hash and the text. Equal texts
 * are encoded once, and a file that is damaged is made anew.
 * @throws CumaError from `encode` where the folder cannot be written.
 */
export function cachedEncoder(encoder: TextEncoder, folder = embeddingsFolder()): TextEncoder {
  const fileOf = (text: string): string => {
    const key = createHash("sha256").update(`${encoder.hash}\0${text}`).digest("hex");
    return join(folder, key.slice(0, 2), `${key}.f32`);
  };
  return {
    name: encoder.name,
    width: encoder.width,
    hash: encoder.hash,
    async encode(texts) {
      const vectors = new Map<string, Float32Array>();
      const missing: string[] = [];
      for (const text of new Set(texts)) {
        const vector = await read(fileOf(text), encoder.width);
        if (vector) vectors.set(text, vector);
        else missing.push(text);
      }
      for (let start = 0; start < missing.length; start += CHUNK) {
        const chunk = missing.slice(start, start + CHUNK);
        for (const [i, vector] of (await encoder.encode(chunk)).entries()) {
          vectors.set(chunk[i]!, vector);
          await write(fileOf(chunk[i]!), vector);
        }
      }
      return texts.map((text) => vectors.get(text)!.slice());
    },
    dispose: () => encoder.dispose(),
  };
}

/** The vector in a file, or undefined where there is none or its checksum does not agree. */
async function read(path: string, width: number): Promise<Float32Array | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch {
    return undefined;
  }
  const content = bytes.subarray(CHECKSUM_BYTES);
  if (content.length !== 4 * width || !checksum(content).equals(bytes.subarray(0, CHECKSUM_BYTES))) return undefined;
  return new Float32Array(Uint8Array.from(content).buffer);
}

// Not forced to the disk: a file that a power failure spoils is found by its checksum.
async function write(path: string, vector: Float32Array): Promise<void> {
  const content = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, Buffer.concat([checksum(content), content]));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    const { message } = fileError(path, "cannot be written", error);
    throw new CumaError(`${message}; set CUMA_CACHE to a folder that can be written`, { cause: error });
  }
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
