import { CumaError, excerpt, isRecord, messageOf, show } from "../util/index.ts";

/** A header larger than this is not read; the format's reference implementation has the same limit. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Bytes per element of the types whose size is checked; others may be stored as well. */
const byteWidth: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

/** A tensor, by the header. */
export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Byte offsets in the file. */
  readonly start: number;
  readonly end: number;
}

/**
 * What a file's header says of its tensors.
 * @param size Bytes of the whole file.
 * @throws CumaError where it is not as the format has it, or does not fit the file.
 */
export function parseHeader(
  bytes: Uint8Array,
  size: number,
  path: string,
): { entries: Map<string, TensorEntry>; metadata: Record<string, string> } {
  const length = bytes.length;
  if (bytes[0] !== "{".charCodeAt(0)) {
    throw new CumaError(`${path}: the header is not JSON: expected it to begin with "{"`);
  }
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (error) {
    throw new CumaError(`${path}: the header is not JSON: ${excerpt(messageOf(error))}`, { cause: error });
  }
  if (!isRecord(header)) throw new CumaError(`${path}: expected the header to be a JSON object`);
  const twice = repeatedKey(text);
  if (twice !== undefined) throw new CumaError(`${path}: the header has the key ${show(twice)} twice`);

  const entries = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") metadata = parseMetadata(value, path);
    else entries.set(name, parseEntry(name, value, 8 + length, path));
  }
  let at = 8 + length;
  for (const [name, { start, end }] of [...entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end)) {
    if (start !== at) {
      throw new CumaError(
        `${path}: tensor ${show(name)} begins at byte ${start}; expected ${at}, where the tensor before it ends (${start < at ? "they overlap" : "there is a hole"})`,
      );
    }
    at = end;
  }
  if (at !== size) {
    throw new CumaError(
      `${path}: expected ${at} bytes by its header, found ${size} (${at > size ? "the file is truncated" : "there is data after the last tensor"})`,
    );
  }
  return { entries, metadata };
}

function parseMetadata(value: unknown, path: string): Record<string, string> {
  const metadata: Record<string, string> = {};
  if (!isRecord(value)) throw new CumaError(`${path}: expected __metadata__ to be an object of strings`);
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== "string")
      throw new CumaError(`${path}: expected __metadata__ to be an object of strings; ${show(key)} is not`);
    metadata[key] = item;
  }
  return metadata;
}

function parseEntry(name: string, value: unknown, dataStart: number, path: string): TensorEntry {
  const fail = (expected: string, found: unknown): CumaError =>
    new CumaError(`${path}: tensor ${show(name)}: expected ${expected}, found ${show(found)}`);
  if (!isRecord(value)) throw fail("an object", value);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string") throw fail("dtype to be a text", dtype);
  if (!isSizes(shape)) throw fail("shape to be a list of sizes", shape);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!)
    throw fail("data_offsets to be [begin, end]", offsets);
  const width = Object.hasOwn(byteWidth, dtype) ? byteWidth[dtype]! : undefined;
  const bytes = width === undefined ? undefined : shape.reduce((n, d) => n * d, width);
  if (bytes !== undefined && offsets[1]! - offsets[0]! !== bytes) {
    throw fail(`${bytes} bytes for ${dtype} ${show(shape)}`, offsets[1]! - offsets[0]!);
  }
  return { dtype, shape, start: dataStart + offsets[0]!, end: dataStart + offsets[1]! };
}

/** A key that some object of a valid JSON text has twice; of two, parsers silently take the last. */
function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  let last = "";
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}:]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (token !== ":") last = token;
    else {
      const key = JSON.parse(last) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
