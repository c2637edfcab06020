import * as z from "zod";
import { CumaError, describeIssue, unknownName } from "../util/index.ts";
import { families, type ModelType } from "./families/index.ts";
import type { DecoderConfig } from "./decoderConfig.ts";

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
