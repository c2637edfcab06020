import { CumaError, excerpt, show } from "../util/index.ts";
import type { ModelFiles } from "./modelFiles.ts";
import { SafetensorsFile } from "./safetensors.ts";
import { readWeightIndex, WEIGHTS_FILE, WEIGHTS_INDEX_FILE } from "./weightIndex.ts";

/** The safetensors files of a model, each opened when one of its tensors is asked for. */
export class WeightFiles {
  /** Names of those files, sorted. */
  readonly names: readonly string[];
  private readonly files: ModelFiles;
  /** The index, where one says which tensor is in which file. */
  private readonly index: string | null;
  private readonly fileOf: ReadonlyMap<string, string>;
  private readonly opened = new Map<string, SafetensorsFile>();

  /**
   * `model.safetensors`, or the shards that `model.safetensors.index.json` names.
   * @throws CumaError naming the file that is missing or wrong.
   */
  constructor(files: ModelFiles) {
    this.files = files;
    if (files.has(WEIGHTS_FILE)) {
      this.index = null;
      this.fileOf = new Map(this.open(WEIGHTS_FILE).names.map((name) => [name, WEIGHTS_FILE]));
    } else {
      if (!files.has(WEIGHTS_INDEX_FILE)) throw noWeights(files);
      this.index = files.pathOf(WEIGHTS_INDEX_FILE);
      this.fileOf = readWeightIndex(files);
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
    const file = this.opened.get(name) ?? new SafetensorsFile(this.files.open(name));
    this.opened.set(name, file);
    return file;
  }
}

function noWeights(files: ModelFiles): CumaError {
  const pickled = files.names().find((name) => /^pytorch_model.*\.bin(\.index\.json)?$/.test(name));
  const found =
    pickled === undefined ? "neither" : `only ${excerpt(pickled)}; pickled weights are not read, convert them`;
  return new CumaError(`${files.path}: expected ${WEIGHTS_FILE} or ${WEIGHTS_INDEX_FILE}, found ${found}`);
}
