import { createHash } from "node:crypto";
import { join } from "node:path";
import { onnxRuntimeEngine, referenceEngine, type Device, type Engine } from "../engine/index.ts";
import type { HostTensor } from "../graph/index.ts";
import { listFolder, readJson, sha256File } from "../io/index.ts";
import {
  baseShapes,
  loadChatTemplate,
  loadTokenizer,
  loadWeights,
  parseConfig,
  resolveModel,
  withinVocabulary,
  type ChatTemplate,
  type DecoderConfig,
  type Tokenizer,
} from "../models/index.ts";
import { packageRoot } from "./package.ts";

const MAX_CONFIG_BYTES = 10_000_000;

/** The name of the small base that comes with the package. */
export const DEMO_BASE = "demo";

export interface EngineOptions {
  readonly engine: "onnxruntime" | "reference";
  readonly device: Device;
  /** CPU threads; null: all cores. */
  readonly threads: number | null;
}

/** A frozen language model, ready to be run. */
export interface BaseModel {
  /** As the user named it. */
  readonly name: string;
  readonly folder: string;
  readonly config: DecoderConfig;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
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
 * Loads a base model: everything small is checked before the weights are read.
 * @throws CumaError naming the file that is missing or wrong.
 */
export async function loadBase(name: string, options: LoadOptions = {}): Promise<BaseModel> {
  const folder = await baseFolder(name, options);
  const configFile = join(folder, "config.json");
  const config = parseConfig(readJson(configFile, MAX_CONFIG_BYTES), configFile);
  const tokenizer = withinVocabulary(loadTokenizer(folder), config.vocabSize, configFile);
  const template = loadChatTemplate(folder, tokenizer);
  options.onProgress?.(`reading ${folder}`);
  return { name, folder, config, tokenizer, template, weights: loadWeights(folder, baseShapes(config)) };
}

/** SHA-256 over the files that make a base what it is: configuration, tokenizer, chat template, weights. */
export async function hashBase(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of listFolder(folder)) {
    if (/^(config|tokenizer|tokenizer_config)\.json$|^chat_template\.jinja$|\.safetensors$/.test(name)) {
      hash.update(`${name}\0${await sha256File(join(folder, name))}\0`);
    }
  }
  return hash.digest("hex");
}
