import { z } from "zod";
import { CumaError, describeIssue, unknownName } from "../util/index.ts";
import { families, type ModelType } from "./families/index.ts";
import type { DecoderConfig, Llama3Scaling, RopeConfig } from "./types.ts";

/**
 * Reads a model's config.json.
 * @throws CumaError naming the file and the key, what was expected and what was found; unsupported families, rope
 *   types, activations and attention patterns are refused by name.
 */
export function parseConfig(json: unknown, file: string): DecoderConfig {
  const type = z.looseObject({ model_type: z.string() }).safeParse(json);
  if (!type.success)
    throw new CumaError(`${file}: ${describeIssue(type.error.issues[0]!, json)}; it names the family, such as "llama"`);
  const modelType = type.data.model_type;
  if (!Object.hasOwn(families, modelType))
    throw new CumaError(`${file}: ${unknownName("model_type", modelType, Object.keys(families))}`);
  const family = families[modelType as ModelType];
  try {
    return check({ modelType, ...family.parse(json) });
  } catch (error) {
    if (error instanceof z.ZodError) {
      throw new CumaError(`${file}: ${describeIssue(error.issues[0]!, json)}`, { cause: error });
    }
    if (error instanceof CumaError) throw new CumaError(`${file}: ${error.message}`, { cause: error });
    throw error;
  }
}

function check(config: DecoderConfig): DecoderConfig {
  const { numHeads, numKvHeads, headDim } = config;
  if (numHeads % numKvHeads !== 0) {
    throw new CumaError(
      `expected num_attention_heads to be a multiple of num_key_value_heads, found ${numHeads} and ${numKvHeads}`,
    );
  }
  if (headDim % 2 !== 0) throw new CumaError(`expected an even head_dim, found ${headDim}`);
  return config;
}

/** Inverse frequencies of the rotary embedding, [headDim / 2], in radians per position. */
export function inverseFrequencies(rope: RopeConfig, headDim: number): Float64Array {
  return Float64Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = rope.theta ** (-(2 * i) / headDim);
    return rope.llama3 ? stretch(frequency, rope.llama3) : frequency;
  });
}

/** Long wavelengths are stretched by `factor`, short ones kept, and those between interpolated. */
function stretch(
  frequency: number,
  { factor, lowFreqFactor, highFreqFactor, originalMaxPositions }: Llama3Scaling,
): number {
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < originalMaxPositions / highFreqFactor) return frequency;
  if (wavelength > originalMaxPositions / lowFreqFactor) return frequency / factor;
  const smooth = (originalMaxPositions / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}
