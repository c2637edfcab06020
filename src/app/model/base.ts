import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { onnxRuntimeEngine, referenceEngine, type Device, type Engine } from "../../core/engine/index.ts";
import type { HostTensor } from "../../core/graph/index.ts";
import { readJson, sha256File } from "../../core/io/index.ts";
import {
  loadChatTemplate,
  loadTokenizer,
  withinVocabulary,
  type ChatTemplate,
  type Tokenizer,
} from "../../core/text/index.ts";
import { loadDecoderWeights, resolveModel, WeightFiles, WEIGHTS_INDEX_FILE } from "../../core/checkpoint/index.ts";
import { parseConfig, type DecoderConfig } from "../../core/decoder/index.ts";
import type { TrainedOn } from "../../../adapters/index.ts";
import { CumaError, excerpt, show } from "../../core/util/index.ts";
import { packageRoot } from "../package.ts";

const MAX_CONFIG_BYTES = 10_000_000;

/** The name of the small base that comes with the package. */
export const DEMO_BASE = "demo";

export interface EngineOptions {
  readonly engine: "onnxruntime" | "reference";
  readonly device: Device;
  /** CPU threads; null: all cores. */
  readonly threads: number | null;
}

/** A frozen language model without its weights. */
export interface BaseDescription {
  /** As the user named it. */
  readonly name: string;
  readonly folder: string;
  readonly config: DecoderConfig;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
}

/** A frozen language model, ready to be run. */
export interface BaseModel extends BaseDescription {
  readonly weights: ReadonlyMap<string, HostTensor>;
}

export interface LoadOptions {
  readonly revision?: string | undefined;
  readonly onProgress?: ((message: string) => void) | undefined;
}

export function makeEngine({ engine, device, threads }: EngineOptions): Engine {
  if (engine === "reference") return referenceEngine;
  return onnxRuntimeEngine({ device, ...(threads !== null && { threads }) });
}

/** Folder of a base by a folder, a hub id, or "demo". */
export async function baseFolder(name: string, options: LoadOptions = {}): Promise<string> {
  if (name === DEMO_BASE) return join(packageRoot, "assets", "demo-base");
  return (await resolveModel(name, options)).folder;
}

/**
 * Opens a base model: everything small is read and checked, and that its weights are there.
 * @throws CumaError naming the file that is missing or wrong.
 */
export async function openBase(name: string, options: LoadOptions = {}): Promise<BaseDescription> {
  const folder = await baseFolder(name, options);
  const configFile = join(folder, "config.json");
  const config = parseConfig(readJson(configFile, MAX_CONFIG_BYTES), configFile);
  const tokenizer = withinVocabulary(loadTokenizer(folder), config.vocabSize, configFile);
  const template = loadChatTemplate(folder, tokenizer);
  new WeightFiles(folder).close();
  return { name, folder, config, tokenizer, template };
}

/** Reads the weights of a base. @throws CumaError naming the file that is missing or wrong. */
export function withWeights(base: BaseDescription, onProgress?: (message: string) => void): BaseModel {
  onProgress?.(`reading ${base.folder}`);
  return { ...base, weights: loadDecoderWeights(base.folder, base.config) };
}

/** Opens a base model and reads its weights. */
export async function loadBase(name: string, options: LoadOptions = {}): Promise<BaseModel> {
  return withWeights(await openBase(name, options), options.onProgress);
}

/**
 * Small files that change prompts or numbers. generation_config.json does not, for nothing is drawn; nor do templates elsewhere
 * than here, which `loadChatTemplate` does not read.
 */
const SMALL_FILES = [
  "added_tokens.json",
  "chat_template.jinja",
  "config.json",
  WEIGHTS_INDEX_FILE,
  "special_tokens_map.json",
  "tokenizer.json",
  "tokenizer_config.json",
];

const hashes = new Map<string, Promise<string>>();

/**
 * SHA-256 over the files that make a base what it is: configuration, tokenizer, chat template, weights. Files that have not
 * changed by size and time since this process hashed them are not read again.
 */
export function hashBase(folder: string): Promise<string> {
  const weights = new WeightFiles(folder);
  weights.close();
  const files = [...SMALL_FILES, ...weights.names].filter((name) => existsSync(join(folder, name))).sort();
  const state = files.map((name) => {
    const { size, mtimeMs, ino } = statSync(join(folder, name));
    return [name, size, mtimeMs, ino];
  });
  const key = JSON.stringify([folder, ...state]);
  const known = hashes.get(key) ?? hashFiles(folder, files);
  hashes.set(key, known);
  known.catch(() => hashes.delete(key));
  return known;
}

async function hashFiles(folder: string, files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const name of files) hash.update(`${name}\0${await sha256File(join(folder, name))}\0`);
  return hash.digest("hex");
}

/**
 * Makes sure that an adapter is run on the base it was trained on.
 * @returns SHA-256 of the base; undefined where the adapter's folder has none to compare, or it is not to be compared.
 * @throws CumaError naming both bases.
 */
export async function checkTrainedOn(
  { name, folder }: BaseModel,
  trained: TrainedOn | null,
  allowOther: boolean,
): Promise<string | undefined> {
  if (trained === null || allowOther) return undefined;
  const found = await hashBase(folder);
  if (found === trained.hash) return found;
  throw new CumaError(
    `the adapter was trained on another base: on ${show(trained.name)} (SHA-256 ${excerpt(trained.hash, 12)}), not on ${show(name)} as it is now (${excerpt(found, 12)}); give that base, or --allow-other-base to go on`,
  );
}
