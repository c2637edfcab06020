import { createHash } from "node:crypto";
import { appendFileSync, existsSync } from "node:fs";
import { fileError, readBytes, writeFileAtomic } from "../../src/core/io/index.ts";
import { CumaError, differences } from "../../src/core/util/index.ts";

const MAX_BYTES = 4_000_000_000;

/** Distributions of one chunk: by group, question and option. */
export type ChunkDistributions = readonly (readonly (readonly number[])[])[];

/**
 * What an evaluation that is under way has found: a line that says what is evaluated, then a line for each finished chunk,
 * which carries its number and a hash of that first line. So a line that is damaged costs itself and no other.
 */
export class PartialFile {
  private readonly path: string;
  private readonly head: string;
  private readonly tag: string;

  private constructor(path: string, identity: Readonly<Record<string, unknown>>) {
    this.path = path;
    this.head = JSON.stringify(identity);
    this.tag = createHash("sha256").update(this.head).digest("hex").slice(0, 16);
  }

  /**
   * Opens the file, or begins it. Damaged lines are taken out, and named.
   * @param isWhole Whether what a line holds is what a chunk of this number has.
   * @returns The file, and what is in it by the chunk's number.
   * @throws CumaError where it belongs to another evaluation, with what differs.
   */
  static open(
    path: string,
    identity: Readonly<Record<string, unknown>>,
    isWhole: (chunk: number, found: unknown) => found is ChunkDistributions,
    say: (message: string) => void,
  ): { readonly file: PartialFile; readonly saved: ReadonlyMap<number, ChunkDistributions> } {
    const file = new PartialFile(path, identity);
    const saved = new Map<number, ChunkDistributions>();
    const text = existsSync(path) ? new TextDecoder().decode(readBytes(path, MAX_BYTES)) : "";
    const [first = "", ...rest] = text.split("\n");
    // The last line is cut off, or empty after a line end.
    const lines = rest.slice(0, -1);
    for (const [i, line] of lines.entries()) {
      const { chunk, found } = file.parse(line);
      if (chunk !== undefined && isWhole(chunk, found)) saved.set(chunk, found);
      else say(`${path}:${i + 2}: is damaged; its questions are asked again`);
    }
    if (rest.length > 0 && first !== file.head && saved.size === 0) file.refuseOther(first, identity);
    const kept = [...saved].map(([chunk, found]) => file.line(chunk, found));
    const content = [file.head, ...kept].map((line) => `${line}\n`).join("");
    if (content !== text) writeFileAtomic(path, new TextEncoder().encode(content));
    return { file, saved };
  }

  append(chunk: number, found: ChunkDistributions): void {
    try {
      appendFileSync(this.path, `${this.line(chunk, found)}\n`);
    } catch (error) {
      throw fileError(this.path, "cannot be written", error);
    }
  }

  private line(chunk: number, found: ChunkDistributions): string {
    return JSON.stringify({ of: this.tag, chunk, found });
  }

  private parse(line: string): { readonly chunk?: number; readonly found?: unknown } {
    try {
      const { of, chunk, found } = JSON.parse(line) as { of?: unknown; chunk?: unknown; found?: unknown };
      return of === this.tag && typeof chunk === "number" ? { chunk, found } : {};
    } catch {
      return {};
    }
  }

  /** @throws CumaError unless the first line is only damaged, as a power cut leaves it. */
  private refuseOther(first: string, identity: Readonly<Record<string, unknown>>): void {
    if (/^\0*$/.test(first)) return;
    let what = "";
    try {
      const found = differences(JSON.parse(first), JSON.parse(JSON.stringify(identity)));
      what = found.length > 0 ? `: ${found.join(", ")}` : "";
    } catch {
      // It is no JSON, so that nothing can be compared.
    }
    throw new CumaError(`${this.path}: belongs to another evaluation${what}; give --overwrite to start anew`);
  }
}
