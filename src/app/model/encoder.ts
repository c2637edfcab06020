import type { Engine } from "../../core/engine/index.ts";
import {
  baseEncoder,
  cachedEncoder,
  loadSentenceTransformer,
  vectorsEncoder,
  type TextEncoder,
} from "../../core/encoders/index.ts";
import { Decoder } from "../../core/decoder/index.ts";
import { resolveModel, type ResolveOptions } from "../../core/checkpoint/index.ts";
import { hashBase, type BaseDescription, type BaseModel } from "./baseModel.ts";

/**
 * The encoder of profiles by its name in a run file: "base" (mean-pooled hidden states of the base itself), a
 * safetensors file of vectors, or the folder or hub id of a sentence encoder. What it has encoded is kept on disk.
 * @param baseHash SHA-256 of the base, where it is known already.
 */
export async function openEncoder(
  name: string,
  base: BaseModel,
  engine: Engine,
  options: Pick<ResolveOptions, "onProgress" | "namedBy"> = {},
  baseHash?: string,
): Promise<TextEncoder> {
  if (name === "base") {
    const decoder = new Decoder(engine, { config: base.config, weights: base.weights });
    const hash = baseHash ?? hashBase(base);
    return cachedEncoder(baseEncoder(decoder, base.tokenizer, hash), engine.setup, options.onProgress);
  }
  return openNamed(name, engine, options);
}

/** The encoder of a file or a model of its own. */
async function openNamed(
  name: string,
  engine: Engine,
  options: Pick<ResolveOptions, "onProgress" | "namedBy">,
): Promise<TextEncoder> {
  if (name.endsWith(".safetensors")) return vectorsEncoder(name);
  const { folder } = await resolveModel(name, options);
  return cachedEncoder(await loadSentenceTransformer(folder, engine), engine.setup, options.onProgress);
}

/** Width of an encoder's vectors. */
export async function encoderWidth(
  name: string,
  base: BaseDescription,
  engine: Engine,
  options: Pick<ResolveOptions, "onProgress"> = {},
): Promise<number> {
  if (name === "base") return base.config.hiddenSize;
  const encoder = await openNamed(name, engine, options);
  await encoder.dispose();
  return encoder.width;
}
