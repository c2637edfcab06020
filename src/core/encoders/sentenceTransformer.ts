import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Engine } from "../engine/index.ts";
import { readJson, sha256File } from "../io/index.ts";
import { checkFileKeys, checkJson, CumaError, type ForeignKeys, show, unknownName } from "../util/index.ts";
import { checkLength } from "../decoder/batch.ts";
import { loadBert } from "./bert.ts";
import { parseConfig } from "../decoder/parseConfig.ts";
import { baseShapes } from "../decoder/layer.ts";
import { families } from "../decoder/families/index.ts";
import { Decoder } from "../decoder/forward.ts";
import { loadTokenizer } from "../text/folder.ts";
import { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, withinVocabulary, type Tokenizer } from "../text/tokenizer.ts";
import { lowerCase } from "../text/tokenizer/normalizers.ts";
import { folderFiles } from "../checkpoint/modelFiles.ts";
import { WeightFiles } from "../checkpoint/weightFiles.ts";
import { loadWeights } from "../checkpoint/weights.ts";
import { decoderStates, encodeEach, poolings, type HiddenStates, type Pooling } from "./pooling.ts";
import type { TextEncoder } from "./textEncoder.ts";

const MODULES_FILE = "modules.json";
const SETTINGS_FILE = "sentence_bert_config.json";
const PROMPTS_FILE = "config_sentence_transformers.json";
const MAX_CONFIG_BYTES = 20_000_000;
const MIN_NORM = 1e-12;

const modulesSchema = z.array(
  z.strictObject({
    path: z.string(),
    type: z.string(),
    idx: z.unknown().optional(),
    name: z.unknown().optional(),
    kwargs: z.tuple([]).optional(),
  }),
);
const settingsSchema = z.looseObject({
  max_seq_length: z.int().positive().nullish(),
  do_lower_case: z.boolean().default(false),
  /** Which of the model's outputs is pooled. */
  modality_config: z
    .strictObject({
      text: z.strictObject({ method: z.literal("forward"), method_output_name: z.literal("last_hidden_state") }),
    })
    .nullish(),
});
const tokenizerSchema = z.looseObject({ model_max_length: z.number().positive().nullish() });
const promptsSchema = z.looseObject({
  prompts: z.record(z.string(), z.string().nullable()).nullish(),
  default_prompt_name: z.string().nullish(),
});
const poolingSchema = z.looseObject({
  pooling_mode: z.union([z.string(), z.array(z.string())]).optional(),
  embedding_dimension: z.int().positive().optional(),
  word_embedding_dimension: z.int().positive().optional(),
  include_prompt: z.boolean().default(true),
});

/** How older folders name the ways of pooling: one flag each; the vectors of several stand in this order. */
const flags = {
  pooling_mode_cls_token: "cls",
  pooling_mode_max_tokens: "max",
  pooling_mode_mean_tokens: "mean",
  pooling_mode_mean_sqrt_len_tokens: "mean_sqrt_len_tokens",
  pooling_mode_weightedmean_tokens: "weightedmean",
  pooling_mode_lasttoken: "lasttoken",
} as const;

/** What is made of the keys of the folder's own files; config.json is read like that of any model. */
const keysOf = {
  settings: {
    read: Object.keys(settingsSchema.shape),
    harmless: {
      "how other software computes the same": ["unpad_inputs"],
      "asked for queries and documents only; profiles are neither": ["query_length", "document_length"],
    },
    neutral: { transformer_task: ["feature-extraction"], module_output_name: ["token_embeddings"] },
  },
  prompts: {
    read: Object.keys(promptsSchema.shape),
    harmless: { "vectors are not compared": ["similarity_fn_name"], "who made the file": ["__version__"] },
    neutral: { model_type: ["SentenceTransformer"] },
  },
  pooling: { read: [...Object.keys(poolingSchema.shape), ...Object.keys(flags)], harmless: {}, neutral: {} },
  normalize: {
    read: [],
    harmless: {},
    neutral: { module_input_name: ["sentence_embedding"], module_output_name: ["sentence_embedding"] },
  },
} satisfies Readonly<Record<string, ForeignKeys>>;

interface Transformer {
  readonly width: number;
  readonly maxPositions: number;
  readonly vocabSize: number;
  readonly states: HiddenStates;
  checkLength(tokens: number, text: string): void;
  dispose(): Promise<void>;
}

/**
 * Opens a sentence-transformers folder: Transformer (BERT or one of the decoder families), Pooling, and Normalize or not.
 * Texts longer than the folder says are cut as sentence-transformers does, and its default prompt, if it has one, stands
 * before every text.
 * @throws CumaError naming the file and what in it is wrong or not supported.
 */
export async function loadSentenceTransformer(folder: string, engine: Engine): Promise<TextEncoder> {
  const { root, poolingFile, normalise } = readModules(folder);
  const { ways, width, includePrompt } = readPooling(poolingFile);
  const settings = readOptional(join(root, SETTINGS_FILE), settingsSchema, keysOf.settings);
  const prompt = readPrompt(folder);
  if (prompt !== "" && !includePrompt) {
    throw new CumaError(`${poolingFile}: "include_prompt": false is not supported together with a default prompt`);
  }
  const limit = readOptional(join(root, TOKENIZER_CONFIG_FILE), tokenizerSchema, null).model_max_length ?? Infinity;
  const transformer = openTransformer(root, engine);
  if (width !== undefined && width !== transformer.width) {
    throw new CumaError(
      `${poolingFile}: expected an embedding dimension of ${transformer.width}, the hidden size in config.json; found ${width}`,
    );
  }
  const tokenizer = withinVocabulary(loadTokenizer(root), transformer.vocabSize, join(root, "config.json"));
  const maxLength = Math.min(settings.max_seq_length ?? limit, transformer.maxPositions);
  const files = [MODULES_FILE, PROMPTS_FILE].map((name) => join(folder, name));
  const hash = await hashFiles([...files, poolingFile, ...transformerFiles(root)]);

  return {
    name: folder,
    width: ways.length * transformer.width,
    hash,
    async encode(texts) {
      const tokenIds = texts.map((text) => {
        const whole = prompt + text;
        const ids = tokenise(tokenizer, settings.do_lower_case ? lowerCase(whole) : whole, maxLength);
        if (ids.length === 0)
          throw new CumaError(`${folder}: the text ${show(text)} has no tokens; expected at least one`);
        transformer.checkLength(ids.length, show(text));
        return ids;
      });
      const vectors = await encodeEach(tokenIds, ways, transformer.states);
      return normalise ? vectors.map(unit) : vectors;
    },
    dispose: () => transformer.dispose(),
  };
}

function readModules(folder: string): { root: string; poolingFile: string; normalise: boolean } {
  const file = join(folder, MODULES_FILE);
  if (!existsSync(file)) {
    throw new CumaError(`${folder}: expected a sentence-transformers folder with ${MODULES_FILE}, found none`);
  }
  const modules = checkJson(file, readJson(file, MAX_CONFIG_BYTES), modulesSchema);
  const expected = ["Transformer", "Pooling", "Normalize"];
  for (const [i, { path, type }] of modules.entries()) {
    if (!type.startsWith("sentence_transformers.") || type.split(".").at(-1) !== expected[i]) {
      const wanted =
        expected[i] === undefined ? "no further module" : `a ${expected[i]} module of sentence_transformers`;
      throw new CumaError(`${file}: module ${i} is ${show(type)}, which is not supported here; expected ${wanted}`);
    }
    if (!/^\w*$/.test(path)) {
      throw new CumaError(
        `${file}: module ${i} has the path ${show(path)}; expected the name of a folder beside the file`,
      );
    }
  }
  if (modules.length < 2) {
    throw new CumaError(
      `${file}: expected the modules Transformer, Pooling and, if need be, Normalize; found ${modules.length}`,
    );
  }
  if (modules.length === 3)
    readOptional(join(folder, modules[2]!.path, "config.json"), z.looseObject({}), keysOf.normalize);
  return {
    root: join(folder, modules[0]!.path),
    poolingFile: join(folder, modules[1]!.path, "config.json"),
    normalise: modules.length === 3,
  };
}

function readPooling(file: string): { ways: Pooling[]; width: number | undefined; includePrompt: boolean } {
  const json = checkJson(file, readJson(file, MAX_CONFIG_BYTES), poolingSchema);
  checkFileKeys(file, json, keysOf.pooling);
  const flagged = Object.entries(flags).flatMap(([flag, mode]) => (json[flag] === true ? [mode] : []));
  const named = json.pooling_mode === undefined ? flagged : [json.pooling_mode].flat();
  const ways = named.map((mode) => {
    const pooling = poolings.find((name) => name === mode);
    if (pooling === undefined) throw new CumaError(`${file}: ${unknownName("pooling", mode, poolings)}`);
    return pooling;
  });
  return {
    ways: ways.length > 0 ? ways : ["mean"],
    width: json.embedding_dimension ?? json.word_embedding_dimension,
    includePrompt: json.include_prompt,
  };
}

function readPrompt(folder: string): string {
  const file = join(folder, PROMPTS_FILE);
  const { prompts, default_prompt_name: name } = readOptional(file, promptsSchema, keysOf.prompts);
  if (name === undefined || name === null) return "";
  if (!Object.hasOwn(prompts ?? {}, name)) {
    throw new CumaError(`${file}: "default_prompt_name": ${unknownName("prompt", name, Object.keys(prompts ?? {}))}`);
  }
  return prompts?.[name] ?? "";
}

function openTransformer(root: string, engine: Engine): Transformer {
  const file = join(root, "config.json");
  const json = readJson(file, MAX_CONFIG_BYTES);
  const { model_type: modelType } = checkJson(file, json, z.looseObject({ model_type: z.string() }));
  if (modelType === "bert") {
    const bert = loadBert(root, engine);
    return {
      width: bert.config.hiddenSize,
      maxPositions: bert.config.maxPositions,
      vocabSize: bert.config.vocabSize,
      states: (ids) => bert.forward([ids]),
      checkLength: () => undefined,
      dispose: () => bert.dispose(),
    };
  }
  if (!Object.hasOwn(families, modelType)) {
    throw new CumaError(`${file}: ${unknownName("model_type", modelType, ["bert", ...Object.keys(families)])}`);
  }
  const config = parseConfig(json, file);
  // A head there need not be, and none is asked.
  const shapes = new Map([...baseShapes(config)].filter(([name]) => name !== "lm_head.weight"));
  const decoder = new Decoder(engine, { config, weights: loadWeights(folderFiles(root), shapes) });
  return {
    width: config.hiddenSize,
    maxPositions: config.maxPositions,
    vocabSize: config.vocabSize,
    states: decoderStates(decoder),
    checkLength: (tokens, text) => checkLength(config, tokens, text),
    dispose: () => decoder.dispose(),
  };
}

/** Token ids with special tokens, `maxLength` at most: where there are more, the text's own last ones go. */
function tokenise(tokenizer: Tokenizer, text: string, maxLength: number): number[] {
  const all = tokenizer.encode(text, { addSpecialTokens: true });
  if (all.length <= maxLength) return all;
  const own = tokenizer.encode(text, { addSpecialTokens: false });
  const special = all.length - own.length;
  let before = 0;
  while (before < special && !own.every((id, i) => id === all[before + i])) before++;
  return [
    ...all.slice(0, before),
    ...own.slice(0, Math.max(0, maxLength - special)),
    ...all.slice(before + own.length),
  ];
}

function unit(vector: Float32Array): Float32Array {
  const norm = Math.max(Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0)), MIN_NORM);
  return vector.map((x) => x / norm);
}

function transformerFiles(root: string): string[] {
  const weights = new WeightFiles(folderFiles(root));
  weights.close();
  return ["config.json", TOKENIZER_FILE, TOKENIZER_CONFIG_FILE, SETTINGS_FILE, ...weights.names].map((name) =>
    join(root, name),
  );
}

/** SHA-256 over the content of files, in this order; those that are not there count as such. */
async function hashFiles(files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) hash.update(existsSync(file) ? await sha256File(file) : "none").update("\0");
  return hash.digest("hex");
}

function readOptional<T>(file: string, schema: z.ZodType<T>, keys: ForeignKeys | null): T {
  const json = existsSync(file) ? readJson(file, MAX_CONFIG_BYTES) : {};
  const content = checkJson(file, json, schema);
  if (keys) checkFileKeys(file, json as object, keys);
  return content;
}
