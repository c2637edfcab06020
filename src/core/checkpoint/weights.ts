import { existsSync } from "node:fs";
import { join } from "node:path";
import type { HostTensor } from "../graph/index.ts";
import { listFolder } from "../io/index.ts";
import { SafetensorsFile } from "./safetensors.ts";
import { CumaError, excerpt, show } from "../util/index.ts";
import { baseShapes } from "../decoder/layer.ts";
import type { DecoderConfig } from "../decoder/types.ts";
import { readWeightIndex, WEIGHTS_FILE, WEIGHTS_INDEX_FILE } from "./weightIndex.ts";

const EMBEDDING = "model.embed_tokens.weight";
const HEAD = "lm_head.weight";

/** The safetensors files of a model folder, each opened when one of its tensors is asked for. */
export class WeightFiles {
  /** Names of the files in that folder, sorted. */
  readonly names: readonly string[];
  private readonly folder: string;
  /** The index, where one says which tensor is in which file. */
  private readonly index: string | null;
  private readonly fileOf: ReadonlyMap<string, string>;
  private readonly opened = new Map<string, SafetensorsFile>();

  /**
   * `model.safetensors`, or the shards that `model.safetensors.index.json` names.
   * @throws CumaError naming the file that is missing or wrong.
   */
  constructor(folder: string) {
    this.folder = folder;
    if (existsSync(join(folder, WEIGHTS_FILE))) {
      this.index = null;
      this.fileOf = new Map(this.open(WEIGHTS_FILE).names.map((name) => [name, WEIGHTS_FILE]));
    } else {
      this.index = join(folder, WEIGHTS_INDEX_FILE);
      if (!existsSync(this.index)) throw noWeights(folder);
      this.fileOf = readWeightIndex(this.index);
    }
    this.names = [...new Set(this.fileOf.values())].sort();
  }

  has(tensor: string): boolean {
    return this.fileOf.has(tensor);
  }

  /** The file of a tensor that there is. @throws CumaError where the index names one that is not there. */
  of(tensor: string): SafetensorsFile {
    const file = this.open(this.fileOf.get(tensor)!);
    if (!file.has(tensor)) {
      throw new CumaError(`${file.path}: tensor ${show(tensor)} is missing; ${this.index!} says it is here`);
    }
    return file;
  }

  close(): void {
    for (const file of this.opened.values()) file.close();
    this.opened.clear();
  }

  private open(name: string): SafetensorsFile {
    const file = this.opened.get(name) ?? new SafetensorsFile(join(this.folder, name));
    this.opened.set(name, file);
    return file;
  }
}

function noWeights(folder: string): CumaError {
  const pickled = listFolder(folder).find((name) => /^pytorch_model.*\.bin(\.index\.json)?$/.test(name));
  const found =
    pickled === undefined ? "neither" : `only ${excerpt(pickled)}; pickled weights are not read, convert them`;
  return new CumaError(`${folder}: expected ${WEIGHTS_FILE} or ${WEIGHTS_INDEX_FILE}, found ${found}`);
}

/**
 * Reads a model's tensors as float32, once. Tensors the model does not need are left alone, whatever they are. Checkpoints of
 * bare decoders, whose names lack "model.", are read too.
 * @param shapes Names and shapes of what the model needs, by its configuration.
 * @throws CumaError naming the file and the tensor that is missing, of another shape, or not finite.
 */
export function loadWeights(folder: string, shapes: ReadonlyMap<string, readonly number[]>): Map<string, HostTensor> {
  const files = new WeightFiles(folder);
  try {
    const bare = !files.has(EMBEDDING) && files.has(EMBEDDING.slice("model.".length));
    const found = [...shapes].map(([name, shape]) => {
      const stored = bare ? name.replace(/^model\./, "") : name;
      if (!files.has(stored)) {
        throw new CumaError(
          `${folder}: tensor "${stored}" is missing; config.json asks for it with shape [${shape.join(", ")}]`,
        );
      }
      const file = files.of(stored);
      const actual = file.shape(stored);
      if (actual.join() !== shape.join()) {
        throw new CumaError(
          `${file.path}: tensor "${stored}": expected shape [${shape.join(", ")}] by config.json, found [${actual.join(", ")}]`,
        );
      }
      return { name, stored, file };
    });
    return new Map(found.map(({ name, stored, file }) => [name, file.read(stored)]));
  } finally {
    files.close();
  }
}

/**
 * Reads the weights of a decoder with its head.
 * @throws CumaError as `loadWeights`, and where there is a head that differs from the embedding it is said to be tied to:
 *   transformers 4 ties them all the same, 5 does not.
 */
export function loadDecoderWeights(folder: string, config: DecoderConfig): Map<string, HostTensor> {
  const weights = loadWeights(folder, baseShapes(config));
  if (!config.tieWordEmbeddings) return weights;
  const files = new WeightFiles(folder);
  try {
    if (!files.has(HEAD)) return weights;
    const file = files.of(HEAD);
    const embedding = weights.get(EMBEDDING)!;
    const same = file.shape(HEAD).join() === embedding.shape.join();
    if (!same || !file.read(HEAD).data.every((value, i) => value === embedding.data[i])) {
      throw new CumaError(
        `${file.path}: tensor "${HEAD}" differs from the embedding, and by config.json they are one (tie_word_embeddings: true); say there which it is`,
      );
    }
  } finally {
    files.close();
  }
  return weights;
}
