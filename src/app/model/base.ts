import { createHash } from "node:crypto";
import { join } from "node:path";
import type { HostTensor } from "../../core/graph/index.ts";
import {
  loadChatTemplate,
  loadTokenizer,
  withinVocabulary,
  type ChatTemplate,
  type Tokenizer,
} from "../../core/text/index.ts";
import {
  folderFiles,
  HashedFiles,
  jsonOf,
  loadDecoderWeights,
  resolveModel,
  WeightFiles,
  WEIGHTS_INDEX_FILE,
} from "../../core/checkpoint/index.ts";
import { parseConfig, type DecoderConfig } from "../../core/decoder/index.ts";
import type { TrainedOn } from "../../../adapters/index.ts";
import { CumaError, excerpt, show } from "../../core/util/index.ts";
import { packageRoot } from "../package.ts";

const MAX_CONFIG_BYTES = 10_000_000;

/** The name of the small base that comes with the package. */
export const DEMO_BASE = "demo";

/** A frozen language model, ready to be run. */
export interface BaseModel {
  /** As the user named it. */
  readonly name: string;
  readonly files: HashedFiles;
  readonly config: DecoderConfig;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly weights: ReadonlyMap<string, HostTensor>;
}

export interface LoadOptions {
  readonly revision?: string | undefined;
  readonly onProgress?: ((message: string) => void) | undefined;
}

/** Folder of a base by a folder, a hub id, or "demo". */
export async function baseFolder(name: string, options: LoadOptions = {}): Promise<string> {
  if (name === DEMO_BASE) return join(packageRoot, "assets", "demo-base");
  return (await resolveModel(name, options)).folder;
}

/**
 * Loads a base model: everything small is checked before the weights are read.
 * @param hashed Whether it is hashed as it is read, for who asks `hashBase`; otherwise that reads it again.
 * @throws CumaError naming the file that is missing or wrong.
 */
export async function loadBase(name: string, options: LoadOptions = {}, hashed = true): Promise<BaseModel> {
  const folder = await baseFolder(name, options);
  const stored = folderFiles(folder);
  const files = new HashedFiles(stored);
  const read = hashed ? files : stored;
  const configFile = read.pathOf("config.json");
  const config = parseConfig(jsonOf(read, "config.json", MAX_CONFIG_BYTES), configFile);
  const tokenizer = withinVocabulary(loadTokenizer(folder), config.vocabSize, configFile);
  const template = loadChatTemplate(folder, tokenizer);
  options.onProgress?.(`reading ${folder}`);
  return { name, files, config, tokenizer, template, weights: loadDecoderWeights(read, config) };
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

/** SHA-256 over the files that make a base what it is: configuration, tokenizer, chat template, weights. */
export function hashBase({ files }: Pick<BaseModel, "files">): string {
  const weights = new WeightFiles(files);
  weights.close();
  const names = [...SMALL_FILES, ...weights.names].filter((name) => files.has(name)).sort();
  const hash = createHash("sha256");
  for (const name of names) hash.update(`${name}\0${files.sha256(name)}\0`);
  return hash.digest("hex");
}

/**
 * Makes sure that an adapter is run on the base it was trained on.
 * @returns SHA-256 of the base; undefined where the adapter's folder has none to compare, or it is not to be compared.
 * @throws CumaError naming both bases.
 */
export function checkTrainedOn(base: BaseModel, trained: TrainedOn | null, allowOther: boolean): string | undefined {
  if (trained === null || allowOther) return undefined;
  const found = hashBase(base);
  if (found === trained.hash) return found;
  throw new CumaError(
    `the adapter was trained on another base: on ${show(trained.name)} (SHA-256 ${excerpt(trained.hash, 12)}), not on ${show(base.name)} as it is now (${excerpt(found, 12)}); give that base, or --allow-other-base to go on`,
  );
}
