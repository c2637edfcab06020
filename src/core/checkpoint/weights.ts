import type { HostTensor } from "../graph/index.ts";
import { CumaError } from "../util/index.ts";
import { baseShapes } from "../decoder/layer.ts";
import type { DecoderConfig } from "../decoder/decoderConfig.ts";
import type { ModelFiles } from "./modelFiles.ts";
import { WeightFiles } from "./weightFiles.ts";

const EMBEDDING = "model.embed_tokens.weight";
const HEAD = "lm_head.weight";

/**
 * Reads a model's tensors as float32, once, in the order in which they are stored. Tensors the model does not need are left
 * alone, whatever they are. Checkpoints of bare decoders, whose names lack "model.", are read too.
 * @param shapes Names and shapes of what the model needs, by its configuration.
 * @throws CumaError naming the file and the tensor that is missing, of another shape, or not finite.
 */
export function loadWeights(
  model: ModelFiles,
  shapes: ReadonlyMap<string, readonly number[]>,
): Map<string, HostTensor> {
  const files = new WeightFiles(model);
  try {
    const bare = !files.has(EMBEDDING) && files.has(EMBEDDING.slice("model.".length));
    const found = [...shapes].map(([name, shape]) => {
      const stored = bare ? name.replace(/^model\./, "") : name;
      if (!files.has(stored)) {
        throw new CumaError(
          `${model.path}: tensor "${stored}" is missing; config.json asks for it with shape [${shape.join(", ")}]`,
        );
      }
      const file = files.of(stored);
      const actual = file.shape(stored);
      if (actual.join() !== shape.join()) {
        throw new CumaError(
          `${file.path}: tensor "${stored}": expected shape [${shape.join(", ")}] by config.json, found [${actual.join(", ")}]`,
        );
      }
      return { name, stored, file, at: file.position(stored) };
    });
    const read = new Map<string, HostTensor>();
    for (const { name, stored, file } of found.toSorted((a, b) => a.at - b.at)) read.set(name, file.read(stored));
    return new Map(found.map(({ name }) => [name, read.get(name)!]));
  } finally {
    files.close();
  }
}

/**
 * Reads the weights of a decoder with its head.
 * @throws CumaError as `loadWeights`, and where there is a head that differs from the embedding it is said to be tied to:
 *   transformers 4 ties them all the same, 5 does not.
 */
export function loadDecoderWeights(model: ModelFiles, config: DecoderConfig): Map<string, HostTensor> {
  const weights = loadWeights(model, baseShapes(config));
  if (!config.tieWordEmbeddings) return weights;
  const files = new WeightFiles(model);
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
