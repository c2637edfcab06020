import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { floats, type HostTensor, type Precision } from "../graph/index.ts";
import { checkJson, listFolder, readJson, SafetensorsFile } from "../io/index.ts";
import { CumaError } from "../util/index.ts";
import { inverseFrequencies } from "./config.ts";
import type { DecoderConfig } from "./types.ts";

const MAX_INDEX_BYTES = 100_000_000;

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/**
 * Opens the safetensors files of a model folder: `model.safetensors`, or the shards that
 * `model.safetensors.index.json` names. Gives the file of each tensor.
 * @throws CumaError naming the file that is missing or wrong.
 */
export function openWeights(folder: string): Map<string, SafetensorsFile> {
  const single = join(folder, "model.safetensors");
  const index = join(folder, "model.safetensors.index.json");
  if (existsSync(single)) {
    const file = new SafetensorsFile(single);
    return new Map(file.names.map((name) => [name, file]));
  }
  if (!existsSync(index)) {
    const pickled = listFolder(folder).find((name) => /^pytorch_model.*\.bin(\.index\.json)?$/.test(name));
    const found = pickled === undefined ? "neither" : `only ${pickled}; pickled weights are not read, convert them`;
    throw new CumaError(`${folder}: expected model.safetensors or model.safetensors.index.json, found ${found}`);
  }
  const shards = new Map<string, SafetensorsFile>();
  const files = new Map<string, SafetensorsFile>();
  const { weight_map: shardOf } = checkJson(index, readJson(index, MAX_INDEX_BYTES), indexSchema);
  for (const [name, shard] of Object.entries(shardOf)) {
    if (!/^[\w.-]+\.safetensors$/.test(shard)) {
      throw new CumaError(
        `${index}: tensor "${name}" is in "${shard}"; expected the name of a safetensors file in the same folder`,
      );
    }
    let file = shards.get(shard);
    if (!file) shards.set(shard, (file = new SafetensorsFile(join(folder, shard))));
    if (!file.has(name)) throw new CumaError(`${file.path}: tensor "${name}" is missing; ${index} says it is here`);
    files.set(name, file);
  }
  return files;
}

/**
 * Reads a model's tensors as float32, once. Tensors the model does not need are left alone. Checkpoints of bare
 * decoders, whose names lack "model.", are read too.
 * @param shapes Names and shapes of what the model needs, by its configuration.
 * @throws CumaError naming the file and the tensor that is missing, of another shape, or not finite.
 */
export function loadWeights(folder: string, shapes: ReadonlyMap<string, readonly number[]>): Map<string, HostTensor> {
  const files = openWeights(folder);
  const bare = !files.has("model.embed_tokens.weight") && files.has("embed_tokens.weight");
  const found = [...shapes].map(([name, shape]) => {
    const stored = bare ? name.replace(/^model\./, "") : name;
    const file = files.get(stored);
    if (!file) {
      throw new CumaError(
        `${folder}: tensor "${stored}" is missing; config.json asks for it with shape [${shape.join(", ")}]`,
      );
    }
    const actual = file.shape(stored);
    if (actual.join() !== shape.join()) {
      throw new CumaError(
        `${file.path}: tensor "${stored}": expected shape [${shape.join(", ")}] by config.json, found [${actual.join(", ")}]`,
      );
    }
    return { name, stored, file };
  });
  const weights = new Map(found.map(({ name, stored, file }) => [name, file.read(stored)]));
  for (const file of new Set(files.values())) file.close();
  return weights;
}

/** Cosines and sines of the rotary embedding for positions 0 to `positions` - 1: [positions, headDim / 2] each. */
export function ropeTables(
  config: DecoderConfig,
  positions: number,
  precision: Precision,
): { cos: HostTensor; sin: HostTensor } {
  const frequencies = inverseFrequencies(config.rope, config.headDim);
  const shape = [positions, frequencies.length];
  const table = (of: (angle: number) => number): HostTensor => {
    const data = floats(precision, positions * frequencies.length);
    for (let i = 0; i < data.length; i++) {
      data[i] = of(Math.floor(i / frequencies.length) * frequencies[i % frequencies.length]!);
    }
    return { shape, data };
  };
  return { cos: table(Math.cos), sin: table(Math.sin) };
}
