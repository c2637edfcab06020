import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { copyFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileError, makeFolder } from "../../io/index.ts";
import { CumaError, formatBytes, progressPace } from "../../util/index.ts";
import type { Content, RemoteFile } from "./client.ts";
import { CutOff, retrying } from "./retry.ts";

export type OpenContent = (file: RemoteFile, start: number) => Promise<Content>;

/** Makes sure that a snapshot has a file, as the cache keeps it: a link to a blob that is named by its hash. */
export async function fetchFile(
  file: RemoteFile,
  storage: string,
  snapshot: string,
  open: OpenContent,
  onProgress: ((done: string) => void) | undefined,
): Promise<void> {
  const pointer = join(snapshot, file.path);
  if (existsSync(pointer)) return;
  const blob = join(storage, "blobs", file.hash);
  if (!existsSync(blob)) await fetchBlob(file, blob, open, onProgress);
  await link(blob, pointer);
}

/** Downloads into `blob`.incomplete, going on where an earlier attempt stopped, and renames it once its hash is right. */
async function fetchBlob(
  file: RemoteFile,
  blob: string,
  open: OpenContent,
  onProgress: ((done: string) => void) | undefined,
): Promise<void> {
  const incomplete = `${blob}.incomplete`;
  await writeFile(incomplete, "", { flag: "a" });
  let start = 0;
  await retrying(
    async () => {
      start = await sizeOf(incomplete);
      if (start >= file.size) return;
      const content = await open(file, start);
      const into = createWriteStream(incomplete, { flags: content.start === start ? "a" : "w" });
      await pipeline(content.chunks, bounded(file, content.start, onProgress), into);
      if ((await sizeOf(incomplete)) < file.size) throw new CutOff(`the hub ended ${file.path} too early`);
    },
    async () => (await sizeOf(incomplete)) > start,
  );
  const found = await contentHash(incomplete, file);
  if (found !== file.hash) {
    const size = await sizeOf(incomplete);
    await rm(incomplete);
    throw new CumaError(
      `${file.path}: expected ${file.size} bytes with hash ${file.hash}, the hub sent ${size} with ${found}; run again to download it anew`,
    );
  }
  await rename(incomplete, blob);
}

/** Ends at the size that the hub has promised, whatever else it sends. */
function bounded(file: RemoteFile, start: number, onProgress: ((done: string) => void) | undefined) {
  return async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const [due, begin] = [progressPace(), performance.now()];
    let done = start;
    for await (const chunk of chunks) {
      yield chunk.subarray(0, file.size - done);
      done = Math.min(done + chunk.length, file.size);
      if (onProgress && (done === file.size || due())) {
        const rate = formatBytes(Math.round((1000 * (done - start)) / (performance.now() - begin)));
        onProgress(`${formatBytes(done)} of ${formatBytes(file.size)}, ${rate}/s`);
      }
      if (done === file.size) return;
    }
  };
}

async function contentHash(path: string, { isLfs }: RemoteFile): Promise<string> {
  const hash: Hash = isLfs ? createHash("sha256") : createHash("sha1").update(`blob ${await sizeOf(path)}\0`);
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path)).size;
}

/** A relative link, as the cache has them; a copy where the system allows no links. */
async function link(blob: string, pointer: string): Promise<void> {
  try {
    makeFolder(dirname(pointer));
    await rm(pointer, { force: true });
    await symlink(relative(dirname(pointer), blob), pointer).catch(() => copyFile(blob, pointer));
  } catch (error) {
    throw fileError(pointer, "cannot be written", error);
  }
}
