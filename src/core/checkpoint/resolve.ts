import { existsSync, readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expandHome, fileError, LOCK_FILE, LockedError, lockFolder, makeFolder } from "../io/index.ts";
import { CumaError, excerpt, messageOf, show, visible } from "../util/index.ts";
import { HubClient } from "./hub/client.ts";
import { fetchFile } from "./hub/download.ts";
import { HubError } from "./hub/retry.ts";
import { hubCache, hubEndpoint, hubToken, isOffline } from "./hub/settings.ts";
import { folderFiles } from "./modelFiles.ts";
import { readWeightIndex, WEIGHTS_FILE, WEIGHTS_INDEX_FILE } from "./weightIndex.ts";

export interface ResolveOptions {
  /** Branch, tag or commit of a hub id; "main" by default. */
  readonly revision?: string | undefined;
  /** Use no network; by default where `HF_HUB_OFFLINE` is 1. */
  readonly offline?: boolean | undefined;
  /** Who names an encoder, where the user does not: "the adapter runs/x". It is not downloaded then. */
  readonly namedBy?: string | undefined;
  /** Called with what is being downloaded, and how much of it is there. */
  readonly onProgress?: ((message: string) => void) | undefined;
  /** Files that a cached model must have beside config.json, tokenizer.json and its weights: ["modules.json"]. */
  readonly files?: readonly string[] | undefined;
}

export interface ResolvedModel {
  readonly folder: string;
  /** What was asked for: the folder or the hub id. */
  readonly source: string;
  /** Commit of a hub model; null for a folder. */
  readonly revision: string | null;
}

/** Between two looks at whether another process has finished a download. */
const WAIT_MS = 500;

/** Small files that are downloaded; weights follow once the index, if there is one, tells which. */
const SMALL = [
  /^(config|special_tokens_map|added_tokens|model\.safetensors\.index)\.json$/,
  /^tokenizer[\w.-]*$/,
  // Templates that are not read are refused where the one that is wanted is not there.
  /^(chat_template\.(jinja|json)|additional_chat_templates\/[\w.-]+\.jinja)$/,
  /^(modules|sentence_bert_config|config_sentence_transformers|\d_(Pooling|Normalize)\/config)\.json$/,
];

/**
 * The folder of a model by its name. An existing folder is used as it is. Otherwise the name is a hub id, "org/name": its
 * snapshot in the Hugging Face cache (`HF_HUB_CACHE`, `HF_HOME`, or ~/.cache/huggingface/hub) is used where it is
 * complete, without asking the network; else it is downloaded there, safetensors weights only, with the user's token
 * (see `hubToken`). What was cut off goes on where it stopped, and every file is checked against its hash.
 * @throws CumaError saying what is missing, where it was looked for and what can be done.
 */
export async function resolveModel(name: string, options: ResolveOptions = {}): Promise<ResolvedModel> {
  const path = expandHome(name);
  if (existsSync(path)) {
    if (!statSync(path).isDirectory())
      throw new CumaError(`${visible(name)}: is a file; expected the folder of a model`);
    return { folder: path, source: name, revision: null };
  }
  if (isAbsolute(path) || /^(\.{1,2}|~[^/\\]*)([/\\]|$)/.test(name)) {
    throw new CumaError(`${visible(name)}: there is no such folder`);
  }
  if (!/^\w[\w.-]*\/\w[\w.-]*$/.test(name)) {
    throw new CumaError(`${show(name)} is neither an existing folder nor a hub id such as "org/name"`);
  }
  const revision = options.revision ?? "main";
  if (!/^\w[\w./-]*$/.test(revision) || revision.includes("..")) {
    throw new CumaError(`${show(revision)} is not a revision; expected a branch, a tag or a commit`);
  }
  const cache = hubCache();
  const storage = join(cache, `models--${name.replace("/", "--")}`);
  const wanted: Wanted = { name, revision, storage, files: options.files ?? [] };
  const { model: cached, lacks } = lookUp(wanted);
  if (cached) return cached;
  const what = `${lacks} in the cache ${cache}`;
  if (options.offline ?? isOffline()) throw notThere(wanted, `${what}, and the network is not to be used`);
  if (options.namedBy !== undefined) {
    throw notThere(
      wanted,
      `${what}, and is named by ${options.namedBy} only; give --encoder ${excerpt(name)} to have it downloaded`,
    );
  }
  try {
    return await download(wanted, options.onProgress ?? (() => undefined));
  } catch (error) {
    if (error instanceof CumaError) throw error;
    if (error instanceof HubError) throw refused(wanted, error);
    if (error instanceof Error && "path" in error && typeof error.path === "string") {
      throw fileError(error.path, "cannot be written", error);
    }
    throw notThere(wanted, `${what}, and the hub was not reached: ${reason(error)}`, error);
  }
}

/** A hub model that is looked for. */
interface Wanted {
  readonly name: string;
  readonly revision: string;
  /** Where the cache keeps it. */
  readonly storage: string;
  /** Files that it must have beside config.json, tokenizer.json and its weights. */
  readonly files: readonly string[];
}

function notThere({ name, revision }: Wanted, why: string, cause?: unknown): CumaError {
  const message = `model ${show(name)} (${excerpt(revision)}) ${why}; give the folder of a downloaded model instead, or set HF_HUB_CACHE to a cache that has it`;
  return new CumaError(message, cause === undefined ? {} : { cause });
}

function refused({ name, revision }: Wanted, error: HubError): CumaError {
  const advice =
    error.status === 401 || error.status === 403
      ? "; where the model is gated or private, accept its terms on the hub and set HF_TOKEN"
      : error.status === 404
        ? "; is there such a model, and such a revision?"
        : "";
  return new CumaError(`model ${show(name)} (${excerpt(revision)}): the hub refuses: ${error.message}${advice}`, {
    cause: error,
  });
}

/** The network's own reason stands behind fetch's "fetch failed". */
function reason(error: unknown): string {
  return error instanceof Error && error.cause !== undefined
    ? `${messageOf(error)} (${messageOf(error.cause)})`
    : messageOf(error);
}

/** The model as the cache has it, or in what it lacks: "is not", "lacks tokenizer.json". */
function lookUp({ name, revision, storage, files }: Wanted): {
  readonly model?: ResolvedModel;
  readonly lacks: string;
} {
  const cached = readCached(storage, revision);
  if (!cached) return { lacks: "is not" };
  const missing = missingFile(cached.folder, files);
  if (missing !== undefined) return { lacks: `lacks ${missing}` };
  return { model: { ...cached, source: name }, lacks: "" };
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
  const weights = has(WEIGHTS_FILE) || !has(WEIGHTS_INDEX_FILE) ? [WEIGHTS_FILE] : shards(folder);
  return ["config.json", "tokenizer.json", ...files, ...weights].find((file) => !has(file));
}

function shards(folder: string): Set<string> {
  return new Set(readWeightIndex(folderFiles(folder)).values());
}

/** Downloads what the cache lacks, or waits until another process has. */
async function download(wanted: Wanted, onProgress: (message: string) => void): Promise<ResolvedModel> {
  const { name, storage } = wanted;
  makeFolder(join(storage, "blobs"));
  const client = await HubClient.open(hubEndpoint(), name, hubToken());
  try {
    const unlock = await takeTurn(storage, () => {
      onProgress(`${name}: waiting for the process that downloads it (${join(storage, LOCK_FILE)})`);
    });
    try {
      return lookUp(wanted).model ?? (await fetchModel(wanted, client, onProgress));
    } finally {
      unlock();
    }
  } finally {
    await client.close();
  }
}

/** Locks a folder once it is free. @returns Gives it back. */
async function takeTurn(folder: string, onWait: () => void): Promise<() => void> {
  for (let waited = false; ; waited = true) {
    try {
      return lockFolder(folder);
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
    }
    if (!waited) onWait();
    await setTimeout(WAIT_MS);
  }
}

async function fetchModel(
  { name, revision, storage, files }: Wanted,
  client: HubClient,
  onProgress: (message: string) => void,
): Promise<ResolvedModel> {
  const commit = await client.commit(revision);
  const remote = await client.files(commit);
  const folder = join(storage, "snapshots", commit);
  const get = async (path: string): Promise<void> => {
    const file = remote.get(path);
    if (!file) {
      const there = excerpt([...remote.keys()].join(", "), 500);
      throw new CumaError(`model ${show(name)} (${excerpt(revision)}) has no ${excerpt(path)}; found ${there}`);
    }
    await fetchFile(
      file,
      storage,
      folder,
      (wantedFile, start) => client.content(commit, wantedFile, start),
      (done) => {
        onProgress(`${name}: ${path}: ${done}`);
      },
    );
  };
  const small = [...remote.keys()].filter((path) => SMALL.some((pattern) => pattern.test(path)));
  for (const path of new Set([...small, "config.json", "tokenizer.json", ...files])) await get(path);
  // Last, so that a snapshot with weights has everything else.
  const single = remote.has(WEIGHTS_FILE) || !remote.has(WEIGHTS_INDEX_FILE);
  for (const path of single ? [WEIGHTS_FILE] : shards(folder)) await get(path);
  if (revision !== commit) {
    const ref = join(storage, "refs", revision);
    makeFolder(dirname(ref));
    await writeFile(ref, commit);
  }
  return { folder, source: name, revision: commit };
}
