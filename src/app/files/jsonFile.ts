import { encodeJson } from "../../core/io/index.ts";

/** Larger files are none of ours. */
export const MAX_JSON_BYTES = 256_000_000;

/**
 * The bytes of a JSON file. They are read back before they are written anywhere, so that nothing is written that its own
 * reader refuses.
 * @param parse What reads such a file. @throws CumaError naming the file and what it refuses.
 */
export function encodeFor<T>(path: string, content: T, parse: (path: string, json: unknown) => T): Uint8Array {
  const bytes = encodeJson(content);
  parse(path, JSON.parse(new TextDecoder().decode(bytes)));
  return bytes;
}
