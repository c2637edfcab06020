import * as z from "zod";
import { checkForeignKeys, CumaError, differences, show } from "../../util/index.ts";
import type { RopeConfig } from "../decoderConfig.ts";

/** Where a config.json may speak of the rotary embedding. */
interface RopeKeys {
  readonly rope_theta?: number | null | undefined;
  readonly rope_scaling?: object | null | undefined;
  readonly rope_parameters?: object | null | undefined;
  readonly partial_rotary_factor?: number | null | undefined;
  readonly max_position_embeddings: number;
}

const positive = z.number().positive();
const specSchema = z.looseObject({
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  rope_theta: positive.nullish(),
  partial_rotary_factor: z.number().nullish(),
});
const llama3Schema = z.looseObject({
  factor: positive,
  low_freq_factor: positive,
  high_freq_factor: positive,
  original_max_position_embeddings: positive.nullish(),
});

/**
 * The rotary embedding by `rope_parameters` (transformers 5) or `rope_theta` and `rope_scaling` (transformers 4).
 * @throws CumaError for a kind that is not supported, and where a file speaks twice and differently: one version reads the
 *   one, another the other.
 */
export function ropeConfig(config: RopeKeys, defaultTheta: number): RopeConfig {
  const specs = (["rope_parameters", "rope_scaling"] as const).filter(
    (key) => config[key] && Object.keys(config[key]).length > 0,
  );
  const [rope, other] =
    specs.length === 0
      ? [read(config, "rope_scaling", defaultTheta)]
      : specs.map((key) => read(config, key, defaultTheta));
  if (other && differences(rope, other).length > 0) {
    throw new CumaError(
      `rope_parameters ${show(config.rope_parameters)} and rope_scaling ${show(config.rope_scaling)} differ; expected one of them, or the same in both`,
    );
  }
  return rope!;
}

function read(config: RopeKeys, key: "rope_parameters" | "rope_scaling", defaultTheta: number): RopeConfig {
  const spec = z.object({ [key]: specSchema }).parse({ [key]: config[key] ?? {} })[key]!;
  if (spec.rope_theta != null && config.rope_theta != null && spec.rope_theta !== config.rope_theta) {
    throw new CumaError(`rope_theta is ${config.rope_theta}, and ${spec.rope_theta} in ${key}; expected the same`);
  }
  const theta = spec.rope_theta ?? config.rope_theta ?? defaultTheta;
  for (const rotated of [spec.partial_rotary_factor, config.partial_rotary_factor]) {
    if (rotated != null && rotated !== 1) {
      throw new CumaError(`partial_rotary_factor ${rotated} is not supported; expected 1`);
    }
  }
  const type = spec.rope_type ?? spec.type ?? "default";
  const known = Object.keys(specSchema.shape);
  if (type === "default") {
    // Older files keep the keys of a scaling that is switched off.
    const unused = ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"];
    checkForeignKeys(spec, { read: known, harmless: { 'not asked where the type is "default"': unused }, neutral: {} });
    return { theta, llama3: null };
  }
  if (type !== "llama3")
    throw new CumaError(`rope_type ${show(type)} is not supported; expected "default" or "llama3"`);
  checkForeignKeys(spec, { read: [...known, ...Object.keys(llama3Schema.shape)], harmless: {}, neutral: {} });
  const parsed = z.object({ [key]: llama3Schema }).parse({ [key]: spec })[key]!;
  return {
    theta,
    llama3: {
      factor: parsed.factor,
      lowFreqFactor: parsed.low_freq_factor,
      highFreqFactor: parsed.high_freq_factor,
      originalMaxPositions: parsed.original_max_position_embeddings ?? config.max_position_embeddings,
    },
  };
}
