import type * as HuggingFaceHub from "@huggingface/hub";
import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { copyFile, mkdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { z } from "zod";
import { expandHome, fileError, lockFolder, readJson } from "../io/index.ts";
import { CumaError, formatBytes, messageOf } from "../util/index.ts";

type Hub = typeof HuggingFaceHub;

export interface ResolveOptions {
  /** Branch, tag or commit of a hub id; "main" by default. */
  readonly revision?: string | undefined;
  /** Use no network; by default where `HF_HUB_OFFLINE` is 1. */
  readonly offline?: boolean | undefined;
  /** Called with what is being downloaded, and how much of it is there: once a second at most for each file. */
  readonly onProgress?: ((message: string) => void) | undefined;
  /** Files that a cached model must have beside config.json, tokenizer.json and its weights: ["modules.json"]. */
  readonly files?: readonly string[] | undefined;
  /** Address of the hub; by default `HF_ENDPOINT`, or the public one. */
  readonly hubUrl?: string | undefined;
}

export interface ResolvedModel {
  readonly folder: string;
  /** What was asked for: the folder or the hub id. */
  readonly source: string;
  /** Commit of a hub model; null for a folder. */
  readonly revision: string | null;
}

const INDEX_FILE = "model.safetensors.index.json";
const SINGLE_FILE = "model.safetensors";
const MAX_INDEX_BYTES = 100_000_000;
const ATTEMPTS = 4;

/** Small files that are downloaded; weights follow once the index, if there is one, tells which. */
const wanted =
  /^(config\.json|tokenizer[\w.-]*|chat_template\.jinja|model\.safetensors\.index\.json|modules\.json|1_Pooling\/config\.json|sentence_bert_config\.json|config_sentence_transformers\.json)$/;

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string().regex(/^[\w.-]+\.safetensors$/)) });

/**
 * The folder of a model by its name. An existing folder is used as it is. Otherwise the name is a hub id, "org/name": its
 * snapshot in the Hugging Face cache (`HF_HUB_CACHE`, `HF_HOME`, or ~/.cache/huggingface/hub) is used where it is
 * complete, without asking the network; else it is downloaded there, safetensors weights only, with the token in
 * `HF_TOKEN`. What was cut off goes on where it stopped, and every file is checked against its hash.
 * @throws CumaError saying what is missing, where it was looked for and what can be done.
 */
export async function resolveModel(name: string, options: ResolveOptions = {}): Promise<ResolvedModel> {
  const path = expandHome(name);
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) throw new CumaError(`${name}: is a file; expected the folder of a model`);
    return { folder: path, source: name, revision: null };
  }
  if (isAbsolute(path) || /^(\.{1,2}|~[^/\\]*)([/\\]|$)/.test(name)) {
    throw new CumaError(`${name}: there is no such folder`);
  }
  if (!/^\w[\w.-]*\/\w[\w.-]*$/.test(name)) {
    throw new CumaError(`"${name}" is neither an existing folder nor a hub id such as "org/name"`);
  }
  const revision = options.revision ?? "main";
  if (!/^\w[\w./-]*$/.test(revision) || revision.includes("..")) {
    throw new CumaError(`"${revision}" is not a revision; expected a branch, a tag or a commit`);
  }
  const hub = await import("@huggingface/hub");
  const cache = hub.getHFHubCachePath();
  const storage = join(cache, hub.getRepoFolderName({ type: "model", name }));
  const cached = readCached(storage, revision);
  const missing = cached ? missingFile(cached.folder, options.files ?? []) : undefined;
  if (cached && missing === undefined) return { ...cached, source: name };
  const what = missing === undefined ? "is not" : `lacks ${missing}`;
  if (options.offline ?? /^(1|true|yes|on)$/i.test(process.env["HF_HUB_OFFLINE"] ?? "")) {
    throw notThere(name, revision, `${what} in the cache ${cache}, and the network is not to be used`);
  }
  try {
    const found = await download(hub, name, revision, storage, options);
    return { ...found, source: name };
  } catch (error) {
    if (error instanceof CumaError) throw error;
    if (error instanceof hub.HubApiError) throw refused(name, revision, error);
    if (error instanceof Error && "path" in error && typeof error.path === "string") {
      throw fileError(error.path, "cannot be written", error);
    }
    throw notThere(
      name,
      revision,
      `${what} in the cache ${cache}, and the hub was not reached: ${reason(error)}`,
      error,
    );
  }
}

function notThere(name: string, revision: string, why: string, cause?: unknown): CumaError {
  const message = `model "${name}" (${revision}) ${why}; give the folder of a downloaded model instead, or set HF_HUB_CACHE to a cache that has it`;
  return new CumaError(message, cause === undefined ? {} : { cause });
}

function refused(name: string, revision: string, error: Error & { statusCode: number }): CumaError {
  const advice =
    error.statusCode === 401 || error.statusCode === 403
      ? "; where the model is gated or private, accept its terms on the hub and set HF_TOKEN"
      : error.statusCode === 404
        ? "; is there such a model, and such a revision?"
        : "";
  return new CumaError(`model "${name}" (${revision}): the hub refuses: ${error.message}${advice}`, { cause: error });
}

/** The network's own reason stands behind fetch's "fetch failed". */
function reason(error: unknown): string {
  return error instanceof Error && error.cause !== undefined
    ? `${error.message} (${messageOf(error.cause)})`
    : messageOf(error);
}

function readCached(storage: string, revision: string): { folder: string; revision: string } | undefined {
  const ref = join(storage, "refs", revision);
  const commit = existsSync(ref) && statSync(ref).isFile() ? readFileSync(ref, "utf8").trim() : revision;
  const folder = join(storage, "snapshots", commit);
  return /^[0-9a-f]{40}$/.test(commit) && existsSync(folder) ? { folder, revision: commit } : undefined;
}

/** The first file that a snapshot needs and does not have. */
function missingFile(folder: string, files: readonly string[]): string | undefined {
  const has = (file: string) => existsSync(join(folder, file));
  const weights = has(SINGLE_FILE) || !has(INDEX_FILE) ? [SINGLE_FILE] : shards(join(folder, INDEX_FILE));
  return ["config.json", "tokenizer.json", ...files, ...weights].find((file) => !has(file));
}

function shards(path: string): string[] {
  const index = indexSchema.safeParse(readJson(path, MAX_INDEX_BYTES));
  if (!index.success) {
    throw new CumaError(`${path}: expected a "weight_map" of names to safetensors files in the same folder`);
  }
  return [...new Set(Object.values(index.data.weight_map))];
}

/** A file of a repository: its SHA-256 is known where it is stored apart (LFS), else its git hash. */
interface RemoteFile {
  readonly path: string;
  readonly size: number;
  readonly hash: string;
  readonly isLfs: boolean;
}

async function download(
  hub: Hub,
  name: string,
  revision: string,
  storage: string,
  { onProgress, files = [], hubUrl = process.env["HF_ENDPOINT"] }: ResolveOptions,
): Promise<{ folder: string; revision: string }> {
  const token = process.env["HF_TOKEN"];
  if (token && !token.startsWith("hf_")) throw new CumaError(`HF_TOKEN: expected a token that begins with "hf_"`);
  const access = { ...(hubUrl && { hubUrl: hubUrl.replace(/\/+$/, "") }), ...(token && { accessToken: token }) };
  const { sha } = await hub.modelInfo({ ...access, name, revision, additionalFields: ["sha"] });
  if (!/^[0-9a-f]{40}$/.test(sha)) throw new CumaError(`model "${name}": the hub gives "${sha}" as its commit`);
  const remote = new Map<string, RemoteFile>();
  for await (const { type, path, size, oid, lfs } of hub.listFiles({
    ...access,
    repo: name,
    revision: sha,
    recursive: true,
  })) {
    const hash = lfs?.oid ?? oid;
    if (type !== "file" || hash === undefined || !/^[0-9a-f]{40,64}$/.test(hash)) continue;
    remote.set(path, { path, size: lfs?.size ?? size, hash, isLfs: lfs !== undefined });
  }
  const folder = join(storage, "snapshots", sha);
  const get = async (path: string): Promise<void> => {
    const file = remote.get(path);
    if (!file)
      throw new CumaError(`model "${name}" (${revision}) has no ${path}; found ${[...remote.keys()].join(", ")}`);
    const pointer = join(folder, path);
    if (existsSync(pointer)) return;
    const blob = join(storage, "blobs", file.hash);
    if (!existsSync(blob)) {
      await fetchBlob(file, blob, onProgress && ((done) => onProgress(`${name}: ${path}: ${done}`)), async (start) => {
        // Over plain HTTP, a download that was cut off can go on at any byte.
        const content = await hub.downloadFile({ ...access, repo: name, path, revision: sha, xet: false });
        if (!content) throw new CumaError(`model "${name}": the hub lists ${path} but does not have it`);
        return start > 0 ? content.slice(start) : content;
      });
    }
    await link(blob, pointer);
  };
  mkdirSync(join(storage, "blobs"), { recursive: true });
  const unlock = lockFolder(storage);
  try {
    const small = [...remote.keys()].filter((path) => wanted.test(path));
    for (const path of new Set([...small, "config.json", "tokenizer.json", ...files])) await get(path);
    // Last, so that a snapshot with weights has everything else.
    const single = remote.has(SINGLE_FILE) || !remote.has(INDEX_FILE);
    for (const path of single ? [SINGLE_FILE] : shards(join(folder, INDEX_FILE))) await get(path);
    if (revision !== sha) {
      const ref = join(storage, "refs", revision);
      await mkdir(dirname(ref), { recursive: true });
      await writeFile(ref, sha);
    }
  } finally {
    unlock();
  }
  return { folder, revision: sha };
}

/** Downloads into `blob`.incomplete, going on where an earlier attempt stopped, and renames it once its hash is right. */
async function fetchBlob(
  file: RemoteFile,
  blob: string,
  onProgress: ((done: string) => void) | undefined,
  open: (start: number) => Promise<Blob>,
): Promise<void> {
  const incomplete = `${blob}.incomplete`;
  await writeFile(incomplete, "", { flag: "a" });
  for (let attempt = 1, start = await sizeOf(incomplete); start < file.size; attempt++) {
    try {
      const content = (await open(start)).stream() as ReadableStream<Uint8Array>;
      const into = createWriteStream(incomplete, { flags: "a" });
      await pipeline(Readable.fromWeb(content), counted(file, start, onProgress), into);
      if ((await sizeOf(incomplete)) < file.size) throw new Error(`the hub ended ${file.path} too early`);
    } catch (error) {
      const done = await sizeOf(incomplete);
      if (attempt >= ATTEMPTS || done === start) throw error;
    }
    start = await sizeOf(incomplete);
  }
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

function counted(file: RemoteFile, start: number, onProgress: ((done: string) => void) | undefined) {
  return async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let done = start;
    let last = -Infinity;
    for await (const chunk of chunks) {
      yield chunk;
      done += chunk.length;
      if (!onProgress || (Date.now() - last < 1000 && done < file.size)) continue;
      last = Date.now();
      onProgress(`${formatBytes(done)} of ${formatBytes(file.size)}`);
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
    await mkdir(dirname(pointer), { recursive: true });
    await rm(pointer, { force: true });
    await symlink(relative(dirname(pointer), blob), pointer).catch(() => copyFile(blob, pointer));
  } catch (error) {
    throw fileError(pointer, "cannot be written", error);
  }
}
