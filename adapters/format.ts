import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { Feeds, HostTensor } from "../src/core/graph/index.ts";
import { encodeJson, readJson } from "../src/core/io/index.ts";
import { encodeSafetensors, SafetensorsFile } from "../src/core/checkpoint/index.ts";
import {
  baseShapes,
  linearSites,
  type Adapter,
  type AdapterMethod,
  type AdapterTarget,
  type DecoderConfig,
} from "../src/core/decoder/index.ts";
import { profileWidth, PROJECTION, type ProfileSpace } from "../src/core/encoders/index.ts";
import { templateSettingsSchema, type TemplateSettings } from "../src/core/text/index.ts";
import { checkJson, CumaError, describeIssue, messageOf, show } from "../src/core/util/index.ts";
import { adapters } from "./table.ts";

export const CONFIG_FILE = "adapter_config.json";
export const TENSORS_FILE = "adapter_model.safetensors";
const PICKLED_FILE = "adapter_model.bin";
const MAX_CONFIG_BYTES = 10_000_000;

/** A trained adapter, as its folder holds it. */
export interface LoadedAdapter {
  readonly adapter: Adapter;
  /** Its parameters, and the projection's where there is one. */
  readonly parameters: Feeds;
  /** Null where the folder does not say: one of the reference code's, or an adapter without profiles. */
  readonly profileSpace: ProfileSpace | null;
  /** Null where the folder was made by other software. */
  readonly settings: PersonSettings | null;
  /** Null where the folder was made by other software, or before bases were recorded. */
  readonly trainedOn: TrainedOn | null;
}

/** The base that an adapter was trained on. */
export interface TrainedOn {
  readonly name: string;
  /** SHA-256 over its files. */
  readonly hash: string;
}

/** What an adapter was trained to know of a person; `reader` in adapter_config.json. */
export interface PersonSettings {
  /** Names of the attributes of a profile, in order. */
  readonly attributes: readonly string[];
  /** Whether the prompt tells who answers. */
  readonly persona: boolean;
  /** What the chat template was given. */
  readonly template: TemplateSettings;
  /** Rules of the groups that training did not see, as the run file had them. */
  readonly holdOut: readonly unknown[];
}

const profileSchema = z.strictObject({
  encoder: z.string(),
  encoder_hash: z.string(),
  width: z.int().positive(),
  projection: z.int().nonnegative(),
  standardize: z.boolean(),
});

const personSchema = z.strictObject({
  attributes: z.array(z.string()),
  persona: z.boolean(),
  template: templateSettingsSchema.prefault({}),
  holdOut: z.array(z.unknown()).default([]),
});

const folderSchema = z.looseObject({
  peft_type: z.string(),
  demographic_embed_dim: z.int().nonnegative().optional(),
  hidden_size: z.int().positive().optional(),
  profile_encoder: profileSchema.optional(),
  reader: personSchema.optional(),
  base_model_name_or_path: z.string().nullish(),
  base_hash: z.string().optional(),
});

/** The two files of an adapter folder. The same adapter always gives the same bytes. */
export function encodeAdapter(
  adapter: Adapter,
  parameters: Feeds,
  profileSpace: ProfileSpace | null,
  settings: PersonSettings,
  base: TrainedOn & { readonly config: DecoderConfig },
): Record<string, Uint8Array> {
  const config = {
    ...adapter.folderConfig,
    base_model_name_or_path: base.name,
    base_hash: base.hash,
    model_type: base.config.modelType,
    hidden_size: base.config.hiddenSize,
    reader: settings,
    ...(profileSpace && {
      profile_encoder: {
        encoder: profileSpace.encoder,
        encoder_hash: profileSpace.encoderHash,
        width: profileSpace.width,
        projection: profileSpace.projection?.outWidth ?? 0,
        standardize: profileSpace.standard !== null,
      } satisfies z.infer<typeof profileSchema>,
    }),
  };
  const tensors = adapter.toTensors(parameters);
  if (profileSpace?.standard) {
    const shape = [profileSpace.width];
    tensors["profile_encoder.mean"] = { shape, data: profileSpace.standard.mean };
    tensors["profile_encoder.scale"] = { shape, data: profileSpace.standard.scale };
  }
  if (profileSpace?.projection) tensors[PROJECTION] = parameters[PROJECTION]!;
  const floats = Object.entries(tensors).map(([name, { shape, data }]) => [
    name,
    { shape, data: data instanceof Float32Array ? data : Float32Array.from(data) },
  ]);
  return {
    [CONFIG_FILE]: encodeJson(config),
    [TENSORS_FILE]: encodeSafetensors(Object.fromEntries(floats) as Parameters<typeof encodeSafetensors>[0], {
      format: "pt",
    }),
  };
}

/**
 * Reads an adapter folder: ours, the CuMA reference code's, or PEFT's LoRA.
 * @throws CumaError naming the file and what does not fit the base.
 */
export function loadAdapter(folder: string, base: DecoderConfig): LoadedAdapter {
  const path = join(folder, CONFIG_FILE);
  const json = readJson(path, MAX_CONFIG_BYTES);
  const config = checkJson(path, json, folderSchema);
  if (config.hidden_size !== undefined && config.hidden_size !== base.hiddenSize) {
    throw new CumaError(
      `${path}: the adapter was made for a base with hidden_size ${config.hidden_size}; this base has ${base.hiddenSize}`,
    );
  }
  if (!existsSync(join(folder, TENSORS_FILE)) && existsSync(join(folder, PICKLED_FILE))) {
    throw new CumaError(
      `${folder}: expected ${TENSORS_FILE}, found only ${PICKLED_FILE}; pickled weights are not read, convert them`,
    );
  }
  const file = SafetensorsFile.open(join(folder, TENSORS_FILE));
  try {
    const read = (name: string, shape: readonly number[]): HostTensor => {
      if (!file.has(name)) {
        throw new CumaError(`${file.path}: tensor "${name}" is missing; ${path} and the base ask for it`);
      }
      const found = file.shape(name);
      if (found.join() !== shape.join()) {
        throw new CumaError(
          `${file.path}: tensor "${name}": expected shape [${shape.join(", ")}] for this base, found [${found.join(", ")}]`,
        );
      }
      used.add(name);
      return file.read(name);
    };
    const used = new Set<string>();
    const profileSpace = readProfileSpace(config.profile_encoder, read);
    const target = {
      sites: linearSites(base),
      baseShapes: baseShapes(base),
      profileWidth: profileSpace ? profileWidth(profileSpace) : (config.demographic_embed_dim ?? 0),
    };
    const adapter = fitFolder(path, json, target, config.peft_type);
    const parameters = adapter.fromTensors({ read });
    if (profileSpace?.projection) {
      parameters[PROJECTION] = read(PROJECTION, [profileSpace.projection.outWidth, profileSpace.projection.inWidth]);
    }
    const extra = file.names.find((name) => !used.has(name));
    if (extra !== undefined) {
      throw new CumaError(`${file.path}: tensor ${show(extra)} fits no module that ${path} and the base have`);
    }
    const { reader: settings = null, base_hash: hash, base_model_name_or_path: name } = config;
    const trainedOn = hash === undefined ? null : { name: name ?? "", hash };
    return { adapter, parameters, profileSpace, settings, trainedOn };
  } finally {
    file.close();
  }
}

function fitFolder(path: string, json: unknown, target: AdapterTarget, peftType: string): Adapter {
  const methods: readonly AdapterMethod[] = Object.values(adapters);
  const method = methods.find((one) => one.reads(json));
  if (!method) {
    const known = methods.flatMap(({ peftTypes }) => peftTypes);
    throw new CumaError(`${path}: peft_type ${show(peftType)} is not supported; expected one of ${known.join(", ")}`);
  }
  try {
    return method.fitFolder(json, target);
  } catch (error) {
    const message = error instanceof z.ZodError ? describeIssue(error.issues[0]!, json) : messageOf(error);
    throw new CumaError(`${path}: ${message}`, { cause: error });
  }
}

function readProfileSpace(
  config: z.infer<typeof profileSchema> | undefined,
  read: (name: string, shape: readonly number[]) => HostTensor,
): ProfileSpace | null {
  if (!config) return null;
  const vector = (name: string): Float32Array => Float32Array.from(read(name, [config.width]).data);
  return {
    encoder: config.encoder,
    encoderHash: config.encoder_hash,
    width: config.width,
    standard: config.standardize
      ? { mean: vector("profile_encoder.mean"), scale: vector("profile_encoder.scale") }
      : null,
    projection: config.projection > 0 ? { inWidth: config.width, outWidth: config.projection } : undefined,
  };
}
