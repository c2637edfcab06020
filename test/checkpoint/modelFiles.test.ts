import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { hashBase, loadBase } from "../../src/app/model/baseModel.ts";
import {
  folderFiles,
  HashedFiles,
  loadDecoderWeights,
  SafetensorsFile,
  type ModelFiles,
} from "../../src/core/checkpoint/index.ts";
import { parseConfig } from "../../src/core/decoder/index.ts";
import { FileBytes, readJson } from "../../src/core/io/index.ts";
import { MemoryBytes } from "../support/memoryBytes.ts";
import { golden } from "../support/golden.ts";

const root = mkdtempSync(join(tmpdir(), "cuma-model-files-"));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const MODEL = "model.safetensors";

/** A model of one file in memory. */
function inMemory(bytes: Uint8Array): ModelFiles {
  return {
    path: "memory",
    has: (name) => name === MODEL,
    names: () => [MODEL],
    pathOf: (name) => `memory/${name}`,
    open: (name) => new MemoryBytes(`memory/${name}`, bytes),
  };
}

/** Counts the bytes that are read of each file. */
function counted(files: ModelFiles): { readonly files: ModelFiles; readonly read: Map<string, number> } {
  const read = new Map<string, number>();
  const open = (name: string) => {
    const source = files.open(name);
    return {
      path: source.path,
      byteLength: source.byteLength,
      slice: (start: number, end: number) => {
        read.set(name, (read.get(name) ?? 0) + end - start);
        return source.slice(start, end);
      },
      close: () => {
        source.close();
      },
    };
  };
  return { files: { ...files, open }, read };
}

test("a safetensors file gives the same from disk and from memory", () => {
  const path = golden(`families/llama-tied-default-f32/${MODEL}`);
  const onDisk = SafetensorsFile.open(path);
  // At an odd place in a buffer that has other things.
  const bytes = readFileSync(path);
  const odd = new Uint8Array(bytes.length + 1);
  odd.set(bytes, 1);
  const memory = new SafetensorsFile(new MemoryBytes("memory", odd.subarray(1)));
  expect(memory.names).toEqual(onDisk.names);
  for (const name of onDisk.names) expect(memory.read(name)).toEqual(onDisk.read(name));
  memory.read(memory.names[0]!).data.fill(7);
  expect(Buffer.compare(odd.subarray(1), bytes)).toBe(0);
  onDisk.close();
});

test("a source that ends before what is asked for is named", () => {
  const path = join(root, "short");
  writeFileSync(path, "12345");
  const file = new FileBytes(path);
  for (const source of [file, new MemoryBytes(path, readFileSync(path))]) {
    expect([...source.slice(1, 3)]).toEqual([0x32, 0x33]);
    expect(source.byteLength).toBe(5);
    expect(() => source.slice(3, 9)).toThrow(`${path}: the file ends at byte 5; expected 4 more bytes`);
  }
  file.close();
});

describe("the hash of what is read", () => {
  test("is that of the whole file, whatever is read of it, and in whatever order", () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 50 });
    const places = fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 60 })), { maxLength: 6 });
    fc.assert(
      fc.property(bytes, places, (content, slices) => {
        const files = new HashedFiles(inMemory(content));
        for (const [a, b] of slices) {
          const [start, end] = [Math.min(a, b), Math.min(Math.max(a, b), content.length)];
          const source = files.open(MODEL);
          if (start <= end) expect([...source.slice(start, end)]).toEqual([...content.subarray(start, end)]);
          source.close();
        }
        expect(files.sha256(MODEL)).toBe(sha256(content));
        expect(files.sha256(MODEL)).toBe(sha256(content));
      }),
    );
  });

  test.each(["families/llama-tied-default-f32", "families/llama-untied-llama3-f32"])(
    "takes no byte of the weights of %s a second time",
    (name) => {
      const folder = golden(name);
      const { files, read } = counted(folderFiles(folder));
      const hashed = new HashedFiles(files);
      const config = parseConfig(readJson(join(folder, "config.json")), "config.json");
      expect(loadDecoderWeights(hashed, config)).toEqual(loadDecoderWeights(folderFiles(folder), config));
      const weights = files.names().filter((file) => file.endsWith(".safetensors"));
      for (const file of weights) {
        const bytes = readFileSync(join(folder, file));
        expect(hashed.sha256(file)).toBe(sha256(bytes));
        // The header may be looked at more often.
        const opened = read.get(file)! - bytes.length;
        expect(opened).toBeLessThanOrEqual(2 * (8 + Number(bytes.readBigUInt64LE())));
      }
      expect(weights.length).toBeGreaterThan(0);
    },
  );

  test("is that of a base, whether it is hashed as it is read or later", async () => {
    const [asRead, later] = [await loadBase("demo"), await loadBase("demo", {}, false)];
    expect(hashBase(asRead)).toBe(hashBase(later));
    expect(hashBase(asRead)).toBe(hashBase({ files: new HashedFiles(folderFiles(asRead.files.path)) }));
  });
});
