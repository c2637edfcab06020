import { createHash } from "node:crypto";
import { join } from "node:path";
import type { HostTensor } from "../../core/graph/index.ts";
import { loadChatTemplate, loadTokenizer } from "../../core/text/folder.ts";
import { withinVocabulary, type ChatTemplate, type Tokenizer } from "../../core/text/index.ts";
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

/** A frozen language model without its weights. */
export interface BaseDescription {
  /** As the user named it. */
  readonly name: string;
  readonly files: HashedFiles;
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
  const files = new HashedFiles(folderFiles(folder));
  const configFile = files.pathOf("config.json");
  const config = parseConfig(jsonOf(files, "config.json", MAX_CONFIG_BYTES), configFile);
  const tokenizer = withinVocabulary(loadTokenizer(folder), config.vocabSize, configFile);
  const template = loadChatTemplate(folder, tokenizer);
  new WeightFiles(files).close();
  return { name, files, config, tokenizer, template };
}

/**
 * Reads the weights of a base.
 * @param hashed Whether they are hashed as they are read, for who asks `hashBase`; otherwise that reads them again.
 * @throws CumaError naming the file that is missing or wrong.
 */
export function withWeights(base: BaseDescription, onProgress?: (message: string) => void, hashed = true): BaseModel {
  onProgress?.(`reading ${base.files.path}`);
  const files = hashed ? base.files : folderFiles(base.files.path);
  return { ...base, weights: loadDecoderWeights(files, base.config) };
}

/** Opens a base model and reads its weights. @param hashed As of `withWeights`. */
export async function loadBase(name: string, options: LoadOptions = {}, hashed = true): Promise<BaseModel> {
  return withWeights(await openBase(name, options), options.onProgress, hashed);
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
