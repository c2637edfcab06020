import { createHash } from "node:crypto";
import { appendFileSync, existsSync } from "node:fs";
import { CumaError, differences, isRecord } from "../util/index.ts";
import { fileError, readBytes } from "./files.ts";
import { writeFileAtomic } from "./write.ts";

const MAX_BYTES = 4_000_000_000;
/** Stands in the first line, so that files of another layout are not taken for these. */
const LAYOUT = "lines by key";

/** What a file of parts belongs to, and how its lines are told to be whole. */
export interface PartsOf<T> {
  /** What is done in parts, as messages name it: "evaluation". */
  readonly work: string;
  /** What must be equal for the parts in a file to be used. */
  readonly identity: Readonly<Record<string, unknown>>;
  /** Whether what a line holds is what the part of this key has. */
  isWhole(key: string, found: unknown): found is T;
}

/**
 * A file of the finished parts of some work: a line that says which work, then a line for each part, which carries the
 * part's key and a hash of that first line. So a line that is damaged costs itself and no other, and lines may stand in
 * any order.
 */
export class PartsFile<T> {
  private readonly path: string;
  private readonly head: Head;

  private constructor(path: string, head: Head) {
    this.path = path;
    this.head = head;
  }

  /**
   * Opens a file, or begins it. Lines that are damaged, and those of one key that disagree, are taken out and named.
   * @returns The file, and the parts in it by key.
   * @throws CumaError where it belongs to other work, with what differs.
   */
  static open<T>(
    path: string,
    of: PartsOf<T>,
    say: (message: string) => void,
  ): { readonly file: PartsFile<T>; readonly parts: ReadonlyMap<string, T> } {
    const head = headOf(of.identity);
    const text = existsSync(path) ? new TextDecoder().decode(readBytes(path, MAX_BYTES)) : "";
    const parts = readParts(path, text, head, of, say);
    const lines = [...parts].map(([key, found]) => lineOf(head, key, found));
    const content = [head.line, ...lines].map((line) => `${line}\n`).join("");
    if (content !== text) writeFileAtomic(path, new TextEncoder().encode(content));
    return { file: new PartsFile(path, head), parts };
  }

  append(key: string, found: T): void {
    try {
      appendFileSync(this.path, `${lineOf(this.head, key, found)}\n`);
    } catch (error) {
      throw fileError(this.path, "cannot be written", error);
    }
  }
}

interface Head {
  /** The first line. */
  readonly line: string;
  /** What every other line carries of it. */
  readonly tag: string;
}

function headOf(identity: Readonly<Record<string, unknown>>): Head {
  const line = JSON.stringify({ ...identity, layout: LAYOUT });
  return { line, tag: createHash("sha256").update(line).digest("hex").slice(0, 16) };
}

function lineOf({ tag }: Head, key: string, found: unknown): string {
  return JSON.stringify({ of: tag, key, found });
}

function readParts<T>(
  path: string,
  text: string,
  head: Head,
  of: PartsOf<T>,
  say: (message: string) => void,
): Map<string, T> {
  const [first = "", ...rest] = text.split("\n");
  const parts = new Map<string, { readonly line: string; readonly number: number; readonly found: T }>();
  const disputed = new Set<string>();
  // The last line is cut off, or empty after a line end.
  for (const [i, line] of rest.slice(0, -1).entries()) {
    const number = i + 2;
    const { key, found } = parse(line, head);
    if (key === undefined || !of.isWhole(key, found)) {
      say(`${path}:${number}: is damaged; what it held is asked again`);
      continue;
    }
    const known = parts.get(key);
    if (known && known.line !== line) {
      say(`${path}:${number}: has other results than line ${known.number} for the same part; both are asked again`);
      disputed.add(key);
    }
    if (!known) parts.set(key, { line, number, found });
  }
  if (rest.length > 0 && first !== head.line && parts.size === 0) refuseOther(path, first, head, of.work);
  return new Map([...parts].flatMap(([key, { found }]) => (disputed.has(key) ? [] : [[key, found]])));
}

function parse(line: string, { tag }: Head): { readonly key?: string; readonly found?: unknown } {
  try {
    const value: unknown = JSON.parse(line);
    if (!isRecord(value) || value["of"] !== tag || typeof value["key"] !== "string") return {};
    return { key: value["key"], found: value["found"] };
  } catch {
    return {};
  }
}

/** @throws CumaError unless the first line is only damaged, as a power cut leaves it. */
function refuseOther(path: string, first: string, { line }: Head, work: string): void {
  if (/^\0*$/.test(first)) return;
  let what = "";
  try {
    const found = differences(JSON.parse(first), JSON.parse(line));
    what = found.length > 0 ? `: ${found.join(", ")}` : "";
  } catch {
    // It is no JSON, so that nothing can be compared.
  }
  throw new CumaError(`${path}: belongs to another ${work}${what}; give --overwrite to start anew`);
}
