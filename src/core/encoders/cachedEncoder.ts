import { join } from "node:path";
import { cacheFolder, fileError } from "../io/index.ts";
import { CumaError, messageOf, progressPace } from "../util/index.ts";
import type { TextEncoder } from "./textEncoder.ts";
import { VectorFile } from "./vectorFile.ts";

/** Texts encoded between two writes: what an interruption can lose. */
const CHUNK = 256;

/** Where vectors are kept: `CUMA_CACHE`, or `cuma/embeddings` in `XDG_CACHE_HOME` or ~/.cache. */
export function embeddingsFolder(): string {
  return process.env["CUMA_CACHE"] || join(cacheFolder(), "cuma", "embeddings");
}

/**
 * Keeps an encoder's vectors on disk, in a file named by the encoder's hash and `setup` (see `VectorFile`): equal texts are encoded
 * once. Where nothing can be kept, the encoder works as well, and it is said once.
 * @param setup What the vectors' last digits depend on beside the encoder: vectors made otherwise are not taken.
 * @param folder Without it, `embeddingsFolder()`.
 */
export function cachedEncoder(
  encoder: TextEncoder,
  setup: string,
  onProgress: (message: string) => void = () => undefined,
  folder?: string,
): TextEncoder {
  let file: VectorFile | undefined;
  const attempt = <T>(doing: string, use: () => T): T | undefined => {
    try {
      return use();
    } catch (error) {
      file = undefined;
      const reason = error instanceof CumaError ? error : fileError(folder ?? embeddingsFolder(), doing, error);
      onProgress(`vectors of profiles are not kept: ${messageOf(reason)}; CUMA_CACHE may name another folder`);
      return undefined;
    }
  };
  file = attempt("cannot be read", () => {
    return new VectorFile(join(folder ?? embeddingsFolder(), `${encoder.hash}-${setup}.vectors`), encoder.width);
  });
  return {
    name: encoder.name,
    width: encoder.width,
    hash: encoder.hash,
    async encode(texts) {
      const distinct = [...new Set(texts)];
      const vectors = attempt("cannot be read", () => file?.find(distinct)) ?? new Map<string, Float32Array>();
      const missing = distinct.filter((text) => !vectors.has(text));
      const [due, begin] = [progressPace(), performance.now()];
      for (let start = 0; start < missing.length; start += CHUNK) {
        const chunk = missing.slice(start, start + CHUNK);
        const made = await encoder.encode(chunk);
        const fresh = new Map(chunk.map((text, i) => [text, made[i]!]));
        for (const [text, vector] of fresh) vectors.set(text, vector);
        attempt("cannot be written", () => file?.add(fresh));
        const done = start + chunk.length;
        if (done < missing.length && due()) onProgress(encoded(done, missing.length, performance.now() - begin));
      }
      return texts.map((text) => vectors.get(text)!.slice());
    },
    dispose: () => encoder.dispose(),
  };
}

function encoded(done: number, total: number, milliseconds: number): string {
  const rate = Math.round((1000 * done) / milliseconds);
  return `encoding profiles: ${done.toLocaleString("en-US")} of ${total.toLocaleString("en-US")}, ${rate}/s`;
}
