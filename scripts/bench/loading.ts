/**
 * Seconds to read a base as float32, against reading the bytes of its file only (both from the page cache): a file of
 * SmolLM2-135M's shape in the type that is asked for is written first. Prints one JSON line.
 *
 *     node loading.js --dtype BF16|F32
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sizeOf } from "../../src/core/graph/index.ts";
import { baseShapes } from "../../src/core/decoder/index.ts";
import { folderFiles, loadWeights } from "../../src/core/checkpoint/index.ts";
import { smolLM2 } from "./smolLM2.ts";

const shapes = baseShapes(smolLM2);
const folder = mkdtempSync(join(tmpdir(), "cuma-bench-"));
const width = { BF16: 2, F32: 4 };
const { values } = parseArgs({ options: { dtype: { type: "string", default: "BF16" }, threads: { type: "string" } } });
const dtype = values.dtype as keyof typeof width;
try {
  const path = join(folder, "model.safetensors");
  writeModel(path);
  const time = (work: () => unknown): number => {
    const begin = performance.now();
    work();
    return (performance.now() - begin) / 1000;
  };
  time(() => readFileSync(path));
  const secondsToRead = time(() => readFileSync(path));
  const secondsToLoad = time(() => loadWeights(folderFiles(folder), shapes));
  console.log(JSON.stringify({ secondsToRead, secondsToLoad, ratio: secondsToLoad / secondsToRead }));
} finally {
  rmSync(folder, { recursive: true });
}

function writeModel(path: string): void {
  let offset = 0;
  const header = JSON.stringify(
    Object.fromEntries(
      [...shapes].map(([name, shape]) => {
        const begin = offset;
        offset += width[dtype] * sizeOf(shape);
        return [name, { dtype, shape, data_offsets: [begin, offset] }];
      }),
    ),
  );
  const start = 8 + Buffer.byteLength(header);
  const bytes = Buffer.alloc(start + offset, 0x3c);
  bytes.writeBigUInt64LE(BigInt(start - 8));
  bytes.write(header, 8);
  writeFileSync(path, bytes);
}
