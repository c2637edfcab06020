import { z } from "zod";
import { checkJson, CumaError, show } from "../util/index.ts";
import { jsonOf, type ModelFiles } from "./modelFiles.ts";

/** Where a model's weights are: all in one file, or in the shards that an index names. */
export const WEIGHTS_FILE = "model.safetensors";
export const WEIGHTS_INDEX_FILE = "model.safetensors.index.json";
const MAX_INDEX_BYTES = 100_000_000;

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/**
 * The file of each tensor by the index.
 * @throws CumaError naming the index, and the tensor that is in no safetensors file of the same folder.
 */
export function readWeightIndex(files: ModelFiles): Map<string, string> {
  const path = files.pathOf(WEIGHTS_INDEX_FILE);
  const { weight_map: shardOf } = checkJson(path, jsonOf(files, WEIGHTS_INDEX_FILE, MAX_INDEX_BYTES), indexSchema);
  for (const [name, shard] of Object.entries(shardOf)) {
    if (!/^[\w.-]+\.safetensors$/.test(shard)) {
      throw new CumaError(
        `${path}: tensor ${show(name)} is in ${show(shard)}; expected the name of a safetensors file in the same folder`,
      );
    }
  }
  return new Map(Object.entries(shardOf));
}
