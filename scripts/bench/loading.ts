/**
 * Seconds to read a base as float32, against reading the bytes of its file only (both from the page cache): a bfloat16
 * file of SmolLM2-135M's shape is written first. Prints one JSON line.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sizeOf } from "../../src/graph/index.ts";
import { baseShapes, loadWeights } from "../../src/models/index.ts";
import { smolLM2 } from "./smolLM2.ts";

const shapes = baseShapes(smolLM2);
const folder = mkdtempSync(join(tmpdir(), "cuma-bench-"));
try {
  const path = join(folder, "model.safetensors");
  writeBfloat16(path);
  const time = (work: () => unknown): number => {
    const begin = performance.now();
    work();
    return (performance.now() - begin) / 1000;
  };
  time(() => readFileSync(path));
  const secondsToRead = time(() => readFileSync(path));
  const secondsToLoad = time(() => loadWeights(folder, shapes));
  console.log(JSON.stringify({ secondsToRead, secondsToLoad, ratio: secondsToLoad / secondsToRead }));
} finally {
  rmSync(folder, { recursive: true });
}

function writeBfloat16(path: string): void {
  let offset = 0;
  const header = JSON.stringify(
    Object.fromEntries(
      [...shapes].map(([name, shape]) => {
        const begin = offset;
        offset += 2 * sizeOf(shape);
        return [name, { dtype: "BF16", shape, data_offsets: [begin, offset] }];
      }),
    ),
  );
  const start = 8 + Buffer.byteLength(header);
  const bytes = Buffer.alloc(start + offset, 0x3c);
  bytes.writeBigUInt64LE(BigInt(start - 8));
  bytes.write(header, 8);
  writeFileSync(path, bytes);
}
